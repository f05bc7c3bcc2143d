# `make` alone lists the targets. Each does its own set-up; the work is in scripts/.
.PHONY: help demo test lint man shots bench bench-secrets ct fuzz prove crash-store simulate crash flood slow-terminal deny

# A login shell knows where rustup puts cargo; make may run in one that does not.
export PATH := $(PATH):$(HOME)/.cargo/bin

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

demo: ## build, start a four-validator network on loopback, open the console (DEMO_ARGS=... go to `qratum demo`)
	@scripts/demo $(DEMO_ARGS)

test: ## set-up, format, lints, all tests; closes with what was skipped and why
	@scripts/test

lint: ## format, clippy and documentation without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

man: ## the manual under assets/man, from the command line itself
	QRATUM_BLESS=1 cargo test --locked -q -p qratum command::man

shots: ## the pictures of README, drawn by the renderer from the network of its tests
	QRATUM_BLESS=1 cargo test --locked -q -p qratum screen::tests::shots

bench: bench-secrets ## the benchmarks of tests/bench, a workspace of its own, and the floors of the console
	cd tests/bench && cargo run --release --locked --bin headers
	cd tests/bench && cargo run --release --locked --bin million
	cargo run --release --locked -q -p qratum-tests --bin floors

bench-secrets: ## random bytes next to OpenSSL's, a locked secret next to memsec's and libsodium's
	@scripts/setup libssl-dev libsodium23
	cd tests/bench && cargo run --release --locked --bin drbg
	cd tests/bench && cargo run --release --locked --bin secrets

ct: ## does time depend on a secret? SAMPLES (10000) calls in each class, memcheck, planted leaks; OUT (target/ct/report.json)
	@scripts/setup valgrind
	cargo run --release --locked -q -p qratum-tests --no-default-features --bin constant-time -- \
	    --samples $(or $(SAMPLES),10000) --out $(or $(OUT),$(or $(CARGO_TARGET_DIR),target)/ct/report.json)

fuzz: ## RUNS (2000000) of each fuzz target, then a table; FUZZ_TARGETS="..." for some
	@scripts/fuzz

prove: ## the models of quorums and hand-overs, checked to the end
	@scripts/prove

crash-store: ## kill -9 a process that writes the light node's store, KILLS=200 times, at any point
	QRATUM_CRASHES=$(or $(KILLS),200) cargo test --locked -q -p qratum-light-node --lib store::crash

simulate: ## storms over a network in virtual time, one for each of SEEDS=0..2000
	cargo run --release --locked -q -p qratum-tests --bin simulate -- $(or $(SEEDS),0..2000)

crash: ## KILLS (200) of real validators at any moment: no double vote, no lost head, back in 2 s
	KILLS=$(or $(KILLS),200) cargo test --release --locked -q -p qratum-validator --test crash -- --ignored --nocapture

flood: ## eight peers flood a validator for a minute: under 256 MiB, and others are answered in time
	cargo test --locked -q -p qratum-validator --test flood -- --ignored --nocapture

slow-terminal: ## a terminal that is not read for two minutes: alarms on time, one current picture after it
	cargo test --locked -q -p qratum-tests --test console -- --ignored --nocapture a_terminal_that_does_not_read_for_two_minutes

deny: ## licences, bans, sources and advisories; needs cargo-deny
	@cargo deny --version >/dev/null 2>&1 || { echo "deny: cargo-deny is not installed (cargo install cargo-deny --locked)" >&2; exit 1; }
	cargo deny --locked check
