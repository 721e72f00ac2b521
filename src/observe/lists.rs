//! Which first lists have come in, namespace by namespace: one that may not be read keeps no other waiting.

use std::collections::BTreeMap;

use crate::model::TargetFault;

/// Stands for all namespaces, where none are named.
const EVERYWHERE: &str = "";

/// The namespaces whose first list has not come in, each with the reason if one is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Lists(BTreeMap<String, Option<TargetFault>>);

impl Lists {
    /// Nothing has come in of these namespaces; none named means all.
    pub(super) fn of(namespaces: &[String]) -> Self {
        let everywhere = namespaces.is_empty().then(|| EVERYWHERE.to_owned());
        Self(namespaces.iter().cloned().chain(everywhere).map(|name| (name, None)).collect())
    }

    /// A list came in.
    pub(super) fn came(&mut self, namespace: Option<&str>) {
        self.0.remove(namespace.unwrap_or(EVERYWHERE));
    }

    /// A watch failed. Once its list has come in, what is known stands.
    pub(super) fn failed(&mut self, namespace: Option<&str>, fault: TargetFault) {
        if let Some(waiting) = self.0.get_mut(namespace.unwrap_or(EVERYWHERE)) {
            *waiting = Some(fault);
        }
    }

    /// Whether a namespace's list has come in, or why not; none while nothing is known.
    pub(super) fn state(&self, namespace: &str) -> Option<Result<(), TargetFault>> {
        match self.0.get(EVERYWHERE).or_else(|| self.0.get(namespace)) {
            None => Some(Ok(())),
            Some(Some(fault)) => Some(Err(fault.clone())),
            Some(None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_fails_keeps_no_other_waiting() {
        let mut lists = Lists::of(&["shop".to_owned(), "billing".to_owned()]);
        assert_eq!(lists.state("shop"), None);
        lists.failed(Some("billing"), TargetFault::NotFound);
        lists.came(Some("shop"));
        assert_eq!(lists.state("shop"), Some(Ok(())));
        assert_eq!(lists.state("billing"), Some(Err(TargetFault::NotFound)));
        lists.failed(Some("shop"), TargetFault::NotFound);
        assert_eq!(lists.state("shop"), Some(Ok(())), "what is known stands");
        lists.came(Some("billing"));
        assert_eq!(lists.state("billing"), Some(Ok(())));
    }

    #[test]
    fn one_list_of_everything_is_every_namespaces() {
        let mut lists = Lists::of(&[]);
        assert_eq!(lists.state("shop"), None);
        lists.failed(None, TargetFault::NotFound);
        assert_eq!(lists.state("shop"), Some(Err(TargetFault::NotFound)));
        lists.came(None);
        assert_eq!(lists.state("shop"), Some(Ok(())));
    }
}
