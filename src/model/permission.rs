//! What a room must be allowed at the API server to do its work.
//!
//! Each room that makes calls lists them in a constant `PERMISSIONS`; the chart's rules are their union, so that
//! nothing can be called that was not listed, and nothing stays allowed that nobody calls any more. What differs
//! from one installation to the next is not listed here but in the chart's values: the kinds that may be scaled
//! and the Secrets that may be read.

/// Where something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// In every namespace whose objectives are carried.
    Watched,
    /// In the whole cluster, and only when all of it is served.
    Cluster,
    /// In the operator's own namespace.
    Own,
}

/// Some verbs on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Where.
    pub reach: Reach,
    /// The API group.
    pub group: &'static str,
    /// The resource in the plural, with its subresource where only that is meant.
    pub resource: &'static str,
    /// The one object that is meant; none for all of them.
    pub name: Option<&'static str>,
    /// What is done with it.
    pub verbs: &'static [&'static str],
}

impl Permission {
    /// Verbs on every object of a resource.
    pub const fn on(
        reach: Reach,
        group: &'static str,
        resource: &'static str,
        verbs: &'static [&'static str],
    ) -> Self {
        Self { reach, group, resource, name: None, verbs }
    }

    /// The same, on the one object of this name only.
    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }
}
