use super::*;

const TEXT: &str = "\
# Two people of two roles.
group engineers 1 technical   # who runs it
group lawyers 1 compliance
group both 2 engineers lawyers
group three 3 lawyers engineers

quorum access both admin 10m
quorum policy both admin 90s
";

fn groups(least: u8) -> Vec<Group> {
    [Role::Technical, Role::Compliance].map(|role| Group { role, least }).to_vec()
}

#[test]
fn a_text_says_which_rules_there_are() {
    let policy = read(TEXT).unwrap();
    let rule =
        |threshold, lifetime_ms| Rule { requester: Role::Admin, threshold, groups: groups(1), lifetime_ms };
    let expected = [(Class::Access, rule(2, 600_000)), (Class::Policy, rule(2, 90_000))];
    assert_eq!(policy, Policy::new(expected));
    assert_eq!(read(&TEXT.replace('\n', "\r\n")), Ok(policy));
}

#[test]
fn what_is_wrong_has_a_line_and_a_word() {
    let fault = |from: &str, to: &str| {
        assert!(TEXT.contains(from), "{from}");
        read(&TEXT.replacen(from, to, 1)).map_err(|error| (error.line, error.fault)).unwrap_err()
    };
    let form = |line: usize, form: &'static str| (line, Fault::Form(form));
    assert_eq!(fault("group both", "gruop both"), (4, Fault::Word));
    assert_eq!(fault("group engineers 1 technical", "group engineers 1"), form(2, GROUP));
    assert_eq!(fault("group engineers 1 technical", "group"), form(2, GROUP));
    assert_eq!(fault("engineers 1", "Engineers 1"), (2, Fault::Name));
    assert_eq!(fault("engineers 1 technical", "auditor 1 technical"), (2, Fault::Name));
    assert_eq!(fault("group lawyers", "group engineers"), (3, Fault::Twice));
    assert_eq!(fault("lawyers 1 compliance", "lawyers 256 compliance"), (3, Fault::Number));
    assert_eq!(fault("lawyers 1 compliance", "lawyers -1 compliance"), (3, Fault::Number));
    assert_eq!(fault("both admin 90s", "all admin 90s"), (8, Fault::NoGroup("all".to_owned())));
    assert_eq!(fault("policy both admin", "policy both root"), (8, Fault::NoRole("root".to_owned())));
    assert_eq!(fault("policy both", "treasury both"), (8, Fault::NoClass("treasury".to_owned())));
    for word in ["90", "90 s", "1.5h", "h", "-1h", "99999999999999999999h", "9999999999999999999h", "90S"] {
        let (line, why) = fault("90s", word);
        let expected = if word == "90 s" { Fault::Form(QUORUM) } else { Fault::Time };
        assert_eq!((line, why), (8, expected), "{word}");
    }
    assert_eq!(fault("quorum policy", "quorum access"), (8, Fault::Twice));
    assert_eq!(fault("# Two", "# \u{202e}Two"), (0, Fault::Text));
    assert_eq!(fault("10m", "10ms"), (7, Fault::Rule(Class::Access, RuleFault::Lifetime)));
    let missing = Fault::Rule(Class::Policy, RuleFault::Missing);
    assert_eq!(fault("quorum policy both admin 90s\n", ""), (0, missing));
    let closure = Fault::Rule(Class::Access, RuleFault::Closure);
    assert_eq!(fault("quorum access both", "quorum access three"), (7, closure));
    assert_eq!(read(&"#".repeat(MAX_LENGTH + 1)).unwrap_err().fault, Fault::Text);
    assert_eq!(read("").unwrap_err().fault, Fault::Rule(Class::Access, RuleFault::Missing));
}

/// Whatever names come and go: a group never leads back to itself.
#[test]
fn a_group_is_made_of_what_stands_above_it() {
    let own = "group a 1 technical\ngroup b 2 a b\n";
    let later = "group b 2 a c\ngroup a 1 technical\ngroup c 1 compliance\n";
    let nested = "group a 1 technical\ngroup c 1 compliance\ngroup b 2 a c\ngroup d 2 b a\n";
    for (text, line, name) in [(own, 2, "b"), (later, 1, "a"), (nested, 4, "b")] {
        let error = TextError { line, fault: Fault::NoGroup(name.to_owned()) };
        assert_eq!(read(text), Err(error), "{text}");
    }
}

/// A stream of numbers from a seed (the 64-bit generator of Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u8) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }

    fn rule(&mut self) -> Rule {
        let others = [Role::Admin, Role::OnCall, Role::Auditor];
        let asked = |role: Role| !others.contains(&role);
        let mut groups = Vec::new();
        for role in Role::ALL.iter().copied() {
            if asked(role) || self.below(2) == 0 {
                let least = u8::from(asked(role)) + self.below(2);
                groups.push(Group { role, least });
            }
        }
        let least: u8 = groups.iter().map(|group| group.least).sum();
        let lifetime_ms = Rule::MIN_LIFETIME_MS + u64::from(self.below(100)) * 977;
        let requester = Role::ALL[usize::from(self.below(5))];
        Rule { requester, threshold: least.max(2) + self.below(3), groups, lifetime_ms }
    }
}

#[test]
fn what_is_written_is_read_again() {
    let mut dice = Dice(7);
    for _ in 0..200 {
        let rule = dice.rule();
        let weaker = Rule { lifetime_ms: Rule::MIN_LIFETIME_MS + 1, ..rule.clone() };
        let guards = [(Class::Access, rule.clone()), (Class::Policy, rule)];
        let others = Class::ALL.iter().filter(|_| dice.below(2) == 0).copied();
        let others: Vec<_> = others.filter(|class| guards.iter().all(|(guard, _)| guard != class)).collect();
        let policy = Policy::new(guards.into_iter().chain(others.into_iter().map(|it| (it, weaker.clone()))));
        assert_eq!(policy.check(), Ok(()), "{policy:?}");
        let text = write(&policy);
        assert_eq!(read(&text), Ok(policy), "{text}");
    }
}

fn approvals(said: &[(&str, Role)]) -> Vec<Approval> {
    said.iter().map(|(person, role)| Approval { person: (*person).to_owned(), role: *role }).collect()
}

#[test]
fn a_decision_is_told_in_words() {
    let policy = read(TEXT).unwrap();
    let (t, c) = (Role::Technical, Role::Compliance);
    let said = approvals(&[("bob", t), ("alice", t), ("bob", c), ("oscar", Role::OnCall), ("dave", t)]);
    let told = explain(&policy, Class::Policy, "alice", &said);
    assert_eq!(
        (told.enough, told.reasons.join("\n").as_str()),
        (
            false,
            "policy needs the approvals of 2 people, none of them who asks for it, of: technical (at \
            least 1), compliance (at least 1); admin may ask, and it stays open for 90s\n\
            bob as technical counts: 1 of 2\n\
            alice as technical does not count: the same person asked for it\n\
            bob as compliance does not count: the same person approved it already\n\
            oscar as on-call does not count: the rule asks nobody of this role\n\
            dave as technical does not count: only people of another role are still asked\n\
            not enough: 1 more, among them 1 compliance"
        )
    );
    let both = explain(&policy, Class::Policy, "alice", &approvals(&[("bob", t), ("carol", c)]));
    assert_eq!((both.enough, both.reasons.last().unwrap().as_str()), (true, "enough: it is carried out"));
    let none = explain(&Policy::default(), Class::Access, "alice", &said);
    assert_eq!((none.enough, none.reasons.len()), (false, 1));
}

/// Who is taken out of those who approve never makes it enough.
#[test]
fn without_one_of_them_nothing_more_is_allowed() {
    let mut dice = Dice(11);
    let (mut enough, mut fewer) = (0, 0);
    for _ in 0..3000 {
        let policy = Policy::new([(Class::Access, dice.rule())]);
        let said: Vec<Approval> = (0..dice.below(9))
            .map(|_| {
                let role = Role::ALL[usize::from(dice.below(5))];
                Approval { person: format!("p-{}", dice.below(7)), role }
            })
            .collect();
        let all = explain(&policy, Class::Access, "p-0", &said).enough;
        for out in 0..7 {
            let out = format!("p-{out}");
            let rest: Vec<Approval> = said.iter().filter(|it| it.person != out).cloned().collect();
            let without = explain(&policy, Class::Access, "p-0", &rest).enough;
            assert!(all || !without, "{said:?} without {out}");
            (enough, fewer) = (enough + u32::from(all), fewer + u32::from(without));
        }
    }
    assert!(enough > fewer && fewer > 0, "{enough}, {fewer}");
}
