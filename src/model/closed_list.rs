//! Closed lists of words: enums whose every member has one spelling and one sentence of meaning.

/// Declares an enum of bare words with `ALL`, `as_str`, `meaning` and `Display`.
///
/// One place holds the spelling and the meaning, so that conditions, events, metrics labels, logs and the
/// reference pages can never disagree.
macro_rules! closed_list {
    ($(#[$outer:meta])* $vis:vis enum $name:ident { $($word:ident => $meaning:literal),+ $(,)? }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(clippy::doc_markdown, reason = "the meanings are shown as plain text")]
        $vis enum $name {
            $(#[doc = $meaning] $word),+
        }

        impl $name {
            /// Every member, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// The word as users see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => stringify!($word)),+ }
            }

            /// What the word means, as the reference pages print it.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$word => $meaning),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use closed_list;
