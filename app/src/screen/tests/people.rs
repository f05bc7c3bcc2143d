//! What waits for an answer, on the people of [`super::folk`].

use std::sync::Arc;

use qratum_chain::{
    ledger::{Outcome, Request},
    types::{Height, Role},
};

use super::{
    folk::{account, earlier, entries, id, people, request, yes},
    stage::{LAST, Paint, drawn, live, picture, press, time_of, watching},
};
use crate::{
    model::{Entries, Model, People, Standing},
    update::{Effect, Msg, update},
};

/// Whoever holds no state is led from the count to the requests and to those who spoke.
#[test]
fn all_that_is_needed_is_named_by_what_is_known() {
    let (state, me) = (entries(), [account("carol")]);
    let (mut known, mut rounds) = (Entries::new(), 0);
    loop {
        let wanted = People::wanted(&known, &me);
        if wanted.is_empty() {
            break;
        }
        rounds += 1;
        known.extend(wanted.into_iter().map(|key| (key.clone(), state.get(&key).cloned().flatten())));
    }
    assert_eq!(rounds, 4, "the count, the places, the requests, the people");
    let found = People::of(&known, &me, Height(LAST));
    assert_eq!(found.requests.len(), 5);
    assert_eq!(found.requests.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [4, 3, 2, 1, 0].map(id));
    let nobody = People::of(&Entries::new(), &[], Height(1));
    assert_eq!((nobody.count, nobody.requests.len()), (0, 0));
}

#[test]
fn what_is_missing_is_said_by_role_and_what_does_not_count_is_missing() {
    let people = people();
    let missing = |number| people.missing(people.request(id(number)).unwrap());
    assert_eq!(missing(4), "1 technical, 1 compliance");
    assert_eq!(missing(3), "1 compliance");
    assert_eq!(missing(0), "");
    let outsider = request("dave", vec![yes("mallory", 9, Role::Technical)], Outcome::Open, 1);
    assert_eq!(people.missing(&outsider), "1 technical, 1 compliance");
    let twice = vec![yes("bob", 2, Role::Technical), yes("dave", 4, Role::Technical)];
    assert_eq!(people.missing(&request("dave", twice, Outcome::Open, 1)), "1 compliance");
}

#[test]
fn who_may_not_answer_is_told_why() {
    let people = people();
    let (open, now) = (people.request(id(3)).unwrap(), time_of(LAST));
    let bars = |name| people.bars(&account(name), open, now);
    assert_eq!(bars("carol"), None);
    assert_eq!(bars("bob"), Some("you said yes"));
    assert_eq!(bars("alice"), Some("it is your own request"));
    assert_eq!(bars("mallory"), Some("it is not enrolled here"));
    let closed = people.request(id(1)).unwrap();
    assert_eq!(people.bars(&account("carol"), closed, now), Some("the request is closed"));
    let late = now.plus(600_000);
    assert_eq!(people.standing(open, late), Standing::Expired);
    let void = Request { policy_version: 1, ..open.clone() };
    assert_eq!(people.standing(&void, now), Standing::Void);
}

fn as_carol(keys: &str) -> Model {
    let mut model = watching(live(), Paint::Terminal16);
    model.me = vec![account("carol")];
    press(&mut model, keys);
    model
}

/// The tab says how many wait for whoever sits here, and the row that a key answers it.
#[test]
fn what_waits_for_me_is_counted_on_the_tab() {
    let model = as_carol("8");
    let rows = drawn(&model, (140, 36));
    assert!(rows[1].contains("Approvals (2)"), "{}", rows[1]);
    assert!(picture(&model, (140, 36)).contains("a answers"));
    let mut watching = watching(live(), Paint::Terminal16);
    press(&mut watching, "8");
    assert!(!drawn(&watching, (140, 36))[1].contains('('));
}

#[test]
fn an_answer_needs_time_to_act_a_key_and_a_request() {
    let said = |model: &Model| model.view.flash.as_ref().unwrap().text.clone();
    let mut model = as_carol("3a");
    assert!(said(&model).starts_with("choose a request first"));
    press(&mut model, "8a");
    assert!(said(&model).starts_with("this console only watches"));
    press(&mut model, ":elevate\n");
    // The one that ends first stands first.
    let plan = |number, yes| Effect::Plan { account: account("carol"), id: id(number), yes };
    assert_eq!(press(&mut model, "a"), [plan(4, true), Effect::Draw]);
    assert_eq!(press(&mut model, "jR").last_chunk(), Some(&[plan(3, false), Effect::Draw]));
    assert_eq!(press(&mut model, "\na").last_chunk(), Some(&[plan(3, true), Effect::Draw]));
    model.me.clear();
    press(&mut model, "a");
    assert!(said(&model).starts_with("no security key is set up here"));
}

/// Only a block with a transaction, or one that was passed over, makes what is known old.
#[test]
fn people_are_asked_for_again_when_something_may_have_changed() {
    let mut model = watching(live(), Paint::Terminal16);
    let heads = super::stage::heads();
    let head = |model: &mut Model, at: usize| {
        let effects = update(model, Msg::Head(heads[at].clone(), time_of(LAST)));
        effects.iter().any(|effect| matches!(effect, Effect::People(_)))
    };
    let last = heads.len() - 1;
    assert!(!head(&mut model, last), "what is known is as new");
    model.live.people = Some(Arc::new(earlier()));
    assert!(head(&mut model, 6), "some were passed over");
    assert!(!head(&mut model, 7), "one question at a time");
    update(&mut model, Msg::People(Ok(Arc::new(people()))));
    assert!(!head(&mut model, 8), "it follows, and no transaction is in it");
    let table = |model: &Model| picture(model, (140, 36));
    press(&mut model, "8");
    assert!(table(&model).contains("requests that wait: 2  ✓ verified at 90212"), "{}", table(&model));
    model.live.people = Some(Arc::new(earlier()));
    assert!(table(&model).contains("requests that wait: 2  ~ stale, verified at 90203"), "{}", table(&model));
}
