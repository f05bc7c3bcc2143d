//! Signing at the console: a wish becomes a plan and a sheet, what the sheet rests on is proven again with
//! each head, and the ceremony runs beside the screen.

use std::{
    collections::BTreeSet,
    future::{Future, pending},
    pin::Pin,
    sync::mpsc,
};

use qratum_chain::{
    codec::Decode as _,
    ledger::{Request, Step},
    types::{AccountId, RequestId, Time},
};
use qratum_decoder::Line;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{
    acting::{
        arm::Unarmed,
        ceremony::{Event, Keys, Order},
        device::Device,
        journal::Journal,
        online::Online,
        plan::{Plan, Want, Wish, plan},
        run::Talk,
        whole::carried_through,
    },
    cli::DeviceArgs,
    command::people::finder,
    credential::Credential,
    exit::{Exit, Failure},
    home::Home,
    model::{Sheet, Told},
    terminal::{Entry, Outcome, Told as Entered},
    twice,
    update::Msg,
};

type Job<T> = Pin<Box<dyn Future<Output = T>>>;

/// What is planned and signed at this console.
pub(crate) struct Signing {
    online: Online,
    home: Home,
    network: String,
    planning: Option<Job<Result<Plan, String>>>,
    /// What the open sheet shows.
    planned: Option<Plan>,
    /// Whether that is still so.
    checking: Option<Job<Option<String>>>,
    running: Option<Running>,
    /// The PIN, while it is typed.
    entry: Option<Entry>,
}

/// A ceremony.
struct Running {
    done: Option<Job<()>>,
    heard: UnboundedReceiver<Event>,
    orders: mpsc::Sender<Order>,
}

impl Signing {
    /// For a console on this home.
    pub(crate) const fn new(online: Online, home: Home, network: String) -> Self {
        Self {
            online,
            home,
            network,
            planning: None,
            planned: None,
            checking: None,
            running: None,
            entry: None,
        }
    }

    /// Plans an answer; the sheet comes as a message.
    pub(crate) fn plan(&mut self, account: AccountId, id: RequestId, yes: bool) {
        let want = if yes { Want::Approve(id, None) } else { Want::Reject(id, None) };
        let (online, wish) = (self.online.clone(), Wish { account, credential: None, want });
        self.planning = Some(Box::pin(planned(online, wish)));
    }

    /// A head was verified: what the open sheet rests on is proven under it.
    pub(crate) fn check(&mut self) {
        let (Some(plan), None) = (&self.planned, &self.checking) else { return };
        self.checking = Some(Box::pin(changed(self.online.clone(), plan.clone())));
    }

    /// Does what the dialog says.
    pub(crate) fn told(&mut self, told: Told) {
        match told {
            Told::Begin => self.begin(),
            Told::Go => self.order(Order::Go),
            Told::Cancel | Told::Close => {
                (self.planned, self.checking, self.entry) = (None, None, None);
                self.order(Order::Cancel);
            }
            Told::Nothing => {}
        }
    }

    /// Hands an order to the ceremony; one that is over needs none.
    pub(crate) fn order(&self, order: Order) {
        if let Some(running) = &self.running {
            let _ = running.orders.send(order);
        }
    }

    /// The PIN is typed now; keys go there and nowhere else until that is over.
    pub(crate) fn listen(&mut self, entry: Entry) {
        self.entry = Some(entry);
    }

    fn begin(&mut self) {
        let Some(plan) = self.planned.take() else { return };
        self.checking = None;
        let ((events, heard), (orders, taken)) = (unbounded_channel(), mpsc::channel());
        let talk = Talk { events: events.clone(), orders: taken };
        let (online, home) = (self.online.clone(), self.home.clone());
        let done = async move {
            if let Err(why) = carried(&online, &home, plan, talk).await {
                let why = why.text.unwrap_or_default();
                // A screen that is gone hears nothing.
                let _ = events.send(Event::Failed(format!("{why}: nothing was signed")));
            }
        };
        self.running = Some(Running { done: Some(Box::pin(done)), heard, orders });
    }

    /// The next message. Losing the race against another event loses nothing.
    pub(crate) async fn next(&mut self) -> Msg {
        loop {
            let Self { planning, checking, running, entry, .. } = self;
            tokio::select! {
                biased;
                event = said(running) => return Msg::Ceremony(event),
                told = typed(entry) => match told {
                    Entered::Characters(count) => return Msg::Typed(count),
                    Entered::Over(outcome) => {
                        self.entry = None;
                        self.order(match outcome {
                            Outcome::Typed(pin) => Order::Pin(pin),
                            Outcome::GaveUp | Outcome::Gone | Outcome::Refused(_) => Order::Cancel,
                        });
                    }
                },
                planned = finished(planning) => return Msg::Sheet(Box::new(self.shown(planned))),
                what = finished(checking) => if let Some(what) = what { return Msg::Changed(what) },
            }
        }
    }

    /// The sheet of what was planned, which is kept until it is signed or put away.
    fn shown(&mut self, planned: Result<Plan, String>) -> Result<Sheet, String> {
        let plan = planned?;
        let sheet = sheet(&plan, &self.network)?;
        self.planned = Some(plan);
        Ok(sheet)
    }
}

/// What a job comes to; it is over then.
async fn finished<T>(job: &mut Option<Job<T>>) -> T {
    let Some(running) = job else { return pending().await };
    let done = running.await;
    *job = None;
    done
}

/// What is told of the PIN that is being typed.
async fn typed(entry: &mut Option<Entry>) -> Entered {
    match entry {
        Some(entry) => entry.next().await,
        None => pending().await,
    }
}

/// What a ceremony says, which goes on meanwhile.
async fn said(running: &mut Option<Running>) -> Event {
    let Some(Running { done, heard, .. }) = running else { return pending().await };
    loop {
        tokio::select! {
            biased;
            event = heard.recv() => match event {
                Some(event) => return event,
                None => break,
            },
            () = finished(done) => {}
        }
    }
    *running = None;
    pending().await
}

async fn planned(online: Online, wish: Wish) -> Result<Plan, String> {
    let fetch = async |keys: &[Vec<u8>]| online.facts(keys).await;
    let plan = plan(&wish, fetch).await.map_err(|why| why.to_string())?;
    online.may_rest_on(&plan.facts).await.map_err(|why| why.to_string())?;
    Ok(plan)
}

/// What of the facts of a plan is no longer so, in words. What cannot be proven now is no change.
async fn changed(online: Online, plan: Plan) -> Option<String> {
    let now = online.facts(&plan.facts.keys()).await.ok()?;
    let changed = plan.facts.changed(&now, plan.account());
    (!changed.is_empty()).then(|| Unarmed::Changed(changed).to_string())
}

/// The way of an act from here on; what goes wrong once the ceremony speaks it tells by itself.
async fn carried(online: &Online, home: &Home, plan: Plan, talk: Talk) -> Result<(), Failure> {
    let journal = Journal::open(home)?;
    if journal.out()?.iter().any(|signed| signed.txo.body.sender == plan.body.sender) {
        let text = "an act of this account is out still: `qratum submit` finishes it";
        return Err(Failure::new(Exit::Refused, text));
    }
    let keys = keys(home, &plan)?;
    // It has said how it ended.
    let _ = carried_through((online, &journal), plan, keys, talk).await;
    Ok(())
}

/// The security key and the biokey of whoever is to sign.
fn keys(home: &Home, plan: &Plan) -> Result<Box<dyn Keys>, Failure> {
    let none = || {
        let account = plan.account().map(ToString::to_string).unwrap_or_default();
        Failure::new(Exit::Usage, format!("this console reaches no security key of account {account}"))
    };
    let account = plan.account().ok_or_else(none)?;
    let find = finder(home, account, &DeviceArgs::default());
    let device = Device::of(home, account, Some(plan.credential), find)?.ok_or_else(none)?;
    Ok(Box::new(device))
}

/// The sheet of a plan: what its bytes say to two decoders.
fn sheet(plan: &Plan, network: &str) -> Result<Sheet, String> {
    let bytes = plan.body.to_bytes();
    let act = twice::act(&bytes).map_err(|why| why.to_string())?;
    let (common, ends, request) = match &plan.act.step {
        Step::Request(proposal) | Step::Enrol(proposal, _) => {
            (plan.body.id(), Some(proposal.expiry), Vec::new())
        }
        Step::Approve(answer) | Step::Reject(answer) => {
            let (ends, lines) = asked(plan, answer.request)?;
            (answer.request.0, ends, lines)
        }
        Step::Govern(_) => (plan.body.id(), None, Vec::new()),
    };
    Ok(Sheet {
        network: network.to_owned(),
        act,
        length: bytes.len(),
        request,
        effect: plan.effect.clone(),
        digest: plan.digest(),
        common,
        at: plan.facts.at.height,
        time: plan.facts.time,
        ends,
    })
}

/// When a request ends, and what it says to two decoders.
fn asked(plan: &Plan, id: RequestId) -> Result<(Option<Time>, Vec<Line>), String> {
    let missing = || "the request that is answered was not proven".to_owned();
    let value = plan.facts.value(&Request::state_key(id)).ok_or_else(missing)?;
    let request = Request::from_bytes(value).map_err(|why| why.to_string())?;
    Ok((Some(request.proposal.expiry), twice::request(value).map_err(|why| why.to_string())?))
}

/// The accounts whose security keys are set up in a home, by their names. A file that is none is passed
/// over here, and named when somebody signs.
pub(crate) fn accounts(home: &Home) -> Vec<AccountId> {
    let known = Credential::names(home).unwrap_or_default().into_iter();
    let known = known.filter_map(|name| Credential::read(home, &name).ok().flatten());
    known.map(|known| known.account).collect::<BTreeSet<_>>().into_iter().collect()
}
