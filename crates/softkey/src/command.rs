//! The commands of CTAP2 (CTAP 2.1 section 6).

use crate::{
    cbor::{Value, map},
    credential::AAGUID,
    key::{Algorithm, ID, Key, Pin, Status, Stop, TRIES},
    pin::SHORTEST,
};

impl Key {
    /// Carries out a command.
    ///
    /// # Arguments
    /// `touched` says whether somebody touched the key since [`Stop::Touch`] was returned for the same
    /// bytes, which is asked before anything changes.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn execute(&mut self, message: &[u8], touched: bool) -> Result<Option<Value>, Stop> {
        let (command, body) = message.split_first().ok_or(Stop::Status(Status::InvalidLength))?;
        let request = if body.is_empty() { Some(Value::Map(Vec::new())) } else { Value::read(body) };
        let request = request.ok_or(Stop::Status(Status::InvalidCbor))?;
        match command {
            0x01 => self.make_credential(&request, touched).map(Some),
            0x02 => self.get_assertion(&request, touched).map(Some),
            0x04 => Ok(Some(self.info())),
            0x06 => self.client_pin(&request),
            0x07 | 0x0b if !touched => Err(Stop::Touch),
            0x07 => {
                self.reset();
                Ok(None)
            }
            0x08 => Err(Stop::Status(Status::NotAllowed)),
            0x0b if self.settings.is_2_1 => Ok(None),
            _ => Err(Stop::Status(Status::InvalidCommand)),
        }
    }

    /// authenticatorReset: every credential and the PIN are gone.
    fn reset(&mut self) {
        let agreement = self.draw_agreement();
        self.pin = Pin::new(None, TRIES, agreement);
        self.generation = self.generation.wrapping_add(1);
        self.counters.clear();
    }

    /// authenticatorGetInfo.
    fn info(&self) -> Value {
        let versions: &[&str] = if self.settings.is_2_1 { &["FIDO_2_0", "FIDO_2_1"] } else { &["FIDO_2_0"] };
        let texts = |texts: &[&str]| Value::Array(texts.iter().map(|text| (*text).into()).collect());
        let has_pin = Value::Bool(self.pin.hash.is_some());
        let options =
            [("rk", false.into()), ("up", true.into()), ("plat", false.into()), ("clientPin", has_pin)];
        let mut options = options.map(|(name, value)| (name.into(), value)).to_vec();
        options.extend(self.settings.is_2_1.then(|| ("pinUvAuthToken".into(), true.into())));
        let protocols = self.settings.protocols.iter().map(|one| Value::Int(one.number()));
        let mut pairs = vec![
            (1.into(), texts(versions)),
            (2.into(), texts(&["hmac-secret"])),
            (3.into(), AAGUID.as_slice().into()),
            (4.into(), Value::Map(options)),
            (5.into(), 1200.into()),
            (6.into(), Value::Array(protocols.collect())),
        ];
        if self.settings.is_2_1 {
            let algorithm =
                |one: &Algorithm| map([("alg", Value::Int(one.number())), ("type", "public-key".into())]);
            let algorithms = self.settings.algorithms.iter().map(algorithm).collect();
            pairs.extend([
                (7.into(), 8.into()),
                (8.into(), Value::Int(ID as i64)),
                (9.into(), texts(&["usb"])),
                (10.into(), Value::Array(algorithms)),
                (13.into(), Value::Int(SHORTEST as i64)),
            ]);
        }
        Value::Map(pairs)
    }
}
