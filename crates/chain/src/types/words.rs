//! Closed lists: each value has a number in bytes and a word in documents.

/// An enum whose every value has a number of one byte and a word.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$of:meta])* $value:ident = $number:literal, $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of])* $value = $number,)*
        }

        impl $name {
            /// All there are, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$value),*];

            /// The one with this number.
            #[must_use]
            pub fn of(number: u64) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| *value as u64 == number)
            }

            /// The one with this word.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }

            /// Its word in documents and commands.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Self::of(u64::from(reader.u8()?)).ok_or(Malformed::Field($what))
            }
        }
    };
}

pub(crate) use words;
