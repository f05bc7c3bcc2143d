//! clientPIN (CTAP 2.1 section 6.5): the PIN, its tries, and what it allows for a while.

use p256::SecretKey;

use crate::{
    cbor::{Value, map},
    key::{Key, Status, Stop, TRIES, Token},
    protocol::{Protocol, Shared, cose_ec2, hash_of},
};

/// Wrong PINs in a row after which the key must be plugged in anew.
const IN_A_ROW: u8 = 3;
/// The shortest PIN in bytes; the longest has 63.
pub const SHORTEST: usize = 4;

const NOT_SET: Stop = Stop::Status(Status::PinNotSet);
const BAD_TAG: Stop = Stop::Status(Status::PinAuthInvalid);
const BAD_PARAMETER: Stop = Stop::Status(Status::InvalidParameter);

impl Key {
    /// authenticatorClientPIN.
    pub(crate) fn client_pin(&mut self, request: &Value) -> Result<Option<Value>, Stop> {
        match request.get(2).and_then(Value::int).ok_or(Stop::Status(Status::MissingParameter))? {
            1 => Ok(Some(map([(3, Value::Int(self.pin.tries.into()))]))),
            2 => {
                self.protocol(request)?;
                Ok(Some(map([(1, cose_agreement(&self.pin.agreement))])))
            }
            3 => self.set_pin(request).map(|()| None),
            4 => self.change_pin(request).map(|()| None),
            5 => self.pin_token(request, 3, None).map(Some),
            9 if self.settings.is_2_1 => {
                let permissions = request.get(9).and_then(Value::int).filter(|wanted| *wanted != 0);
                let rp_id = request.get(10).and_then(Value::text).map(str::to_owned);
                self.pin_token(request, permissions.ok_or(BAD_PARAMETER)?, rp_id).map(Some)
            }
            _ => Err(Stop::Status(Status::InvalidSubcommand)),
        }
    }

    fn protocol(&self, request: &Value) -> Result<Protocol, Stop> {
        self.protocol_numbered(request.get(1).and_then(Value::int))
    }

    fn protocol_numbered(&self, number: Option<i64>) -> Result<Protocol, Stop> {
        let known = self.settings.protocols.iter().find(|known| Some(known.number()) == number);
        known.copied().ok_or(BAD_PARAMETER)
    }

    fn shared(&self, request: &Value) -> Result<Shared, Stop> {
        let theirs = request.get(3).ok_or(Stop::Status(Status::MissingParameter))?;
        self.protocol(request)?.agree(&self.pin.agreement, theirs).ok_or(BAD_PARAMETER)
    }

    /// What the extension `hmac-secret` shares with whoever asks.
    pub(crate) fn shared_with(&self, protocol: Option<i64>, theirs: &Value) -> Result<Shared, Stop> {
        let protocol = self.protocol_numbered(protocol.or(Some(1)))?;
        protocol.agree(&self.pin.agreement, theirs).ok_or(BAD_PARAMETER)
    }

    fn set_pin(&mut self, request: &Value) -> Result<(), Stop> {
        if self.pin.hash.is_some() {
            return Err(BAD_TAG);
        }
        let shared = self.shared(request)?;
        let fresh = bytes(request, 5)?;
        if !shared.verifies(fresh, bytes(request, 4)?) {
            return Err(BAD_TAG);
        }
        self.keep_pin(&shared, fresh)
    }

    fn change_pin(&mut self, request: &Value) -> Result<(), Stop> {
        let shared = self.shared(request)?;
        let (fresh, old) = (bytes(request, 5)?, bytes(request, 6)?);
        self.may_try()?;
        if !shared.verifies(&[fresh, old].concat(), bytes(request, 4)?) {
            return Err(BAD_TAG);
        }
        self.try_pin(&shared, old)?;
        self.keep_pin(&shared, fresh)
    }

    /// `fresh` is the PIN, filled up to 64 bytes with zeros and encrypted.
    fn keep_pin(&mut self, shared: &Shared, fresh: &[u8]) -> Result<(), Stop> {
        let padded = shared.decrypt(fresh).filter(|padded| padded.len() == 64).ok_or(BAD_PARAMETER)?;
        let pin: Vec<u8> = padded.into_iter().take_while(|byte| *byte != 0).collect();
        if !(SHORTEST..64).contains(&pin.len()) {
            return Err(Stop::Status(Status::PinPolicyViolation));
        }
        (self.pin.hash, self.pin.tries, self.pin.token) = (Some(hash_of(&pin)), TRIES, None);
        Ok(())
    }

    const fn may_try(&self) -> Result<(), Stop> {
        match (self.pin.hash, self.pin.tries, self.pin.in_a_row) {
            (None, ..) => Err(NOT_SET),
            (_, 0, _) => Err(Stop::Status(Status::PinBlocked)),
            (_, _, IN_A_ROW..) => Err(Stop::Status(Status::PinAuthBlocked)),
            _ => Ok(()),
        }
    }

    /// Spends a try, and gives it back where `encrypted` is the hash of the PIN.
    fn try_pin(&mut self, shared: &Shared, encrypted: &[u8]) -> Result<(), Stop> {
        self.may_try()?;
        self.counts.pins += 1;
        self.pin.tries -= 1;
        let right = shared.decrypt(encrypted).as_deref() == self.pin.hash.as_ref().map(<[u8; 16]>::as_slice);
        if right {
            (self.pin.tries, self.pin.in_a_row) = (TRIES, 0);
            return Ok(());
        }
        self.counts.wrong_pins += 1;
        self.pin.in_a_row += 1;
        self.pin.agreement = self.draw_agreement();
        self.may_try()?;
        Err(Stop::Status(Status::PinInvalid))
    }

    fn pin_token(&mut self, request: &Value, permissions: i64, rp_id: Option<String>) -> Result<Value, Stop> {
        let shared = self.shared(request)?;
        if self.is_uv_blocked {
            return Err(Stop::Status(Status::UvBlocked));
        }
        self.try_pin(&shared, bytes(request, 6)?)?;
        let mut secret = self.draw().to_vec();
        if !self.settings.is_2_1 && self.protocol(request)? == Protocol::One {
            secret.truncate(16);
        }
        let iv = self.draw_iv();
        let encrypted = shared.encrypt(&iv, &secret);
        self.pin.token = Some(Token { secret, permissions, rp_id });
        Ok(map([(2, Value::Bytes(encrypted))]))
    }

    /// Whether the request was authorised by the PIN.
    ///
    /// # Arguments
    /// `tag` and `number` are the request's pinUvAuthParam and pinUvAuthProtocol, `permission` what it
    /// is for.
    pub(crate) fn is_verified(
        &mut self,
        (tag, number): (Option<&Value>, Option<&Value>),
        message: &[u8],
        permission: i64,
        rp_id: &str,
    ) -> Result<bool, Stop> {
        let Some(tag) = tag.and_then(Value::bytes) else { return Ok(false) };
        let protocol = self.protocol_numbered(number.and_then(Value::int))?;
        let token = self.pin.token.as_mut().ok_or(BAD_TAG)?;
        let bound = token.rp_id.get_or_insert_with(|| rp_id.to_owned()) == rp_id;
        let good = protocol.tag(&token.secret, message) == tag;
        if good && bound && token.permissions & permission != 0 { Ok(true) } else { Err(BAD_TAG) }
    }

    /// A token of CTAP 2.1 serves one touch (section 6.1.2, step 14).
    pub(crate) fn spend_token(&mut self) {
        self.pin.token = self.pin.token.take().filter(|_| !self.settings.is_2_1);
    }
}

fn bytes(request: &Value, key: i32) -> Result<&[u8], Stop> {
    request.get(key).and_then(Value::bytes).ok_or(Stop::Status(Status::MissingParameter))
}

/// `{1: EC2, 3: ECDH-ES + HKDF-256, -1: P-256, -2: x, -3: y}`.
fn cose_agreement(secret: &SecretKey) -> Value {
    cose_ec2(&secret.public_key(), -25)
}
