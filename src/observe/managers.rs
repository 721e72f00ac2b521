//! Who last wrote a field, as the API server remembers it in `managedFields`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

/// The manager that owns `spec.FIELD`, if it is somebody other than `own`.
///
/// The API server takes a field from its old owner when somebody else changes its value, so whoever owns it
/// last changed it. If `own` is among the owners, the value is still the one `own` wrote. Of several others the
/// one that wrote last is named.
pub(super) fn changed_by(entries: &[ManagedFieldsEntry], field: &str, own: &str) -> Option<String> {
    let key = format!("f:{field}");
    let owners: Vec<&ManagedFieldsEntry> = entries
        .iter()
        .filter(|entry| {
            let spec = entry.fields_v1.as_ref().and_then(|fields| fields.0.get("f:spec"));
            spec.is_some_and(|spec| spec.get(&key).is_some())
        })
        .collect();
    if owners.iter().any(|entry| entry.manager.as_deref() == Some(own)) {
        return None;
    }
    let last = owners.iter().max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    Some(last.manager.clone().unwrap_or_else(|| "unknown".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(owners: &[(&str, &str, i64)]) -> Vec<ManagedFieldsEntry> {
        let entry = |(manager, field, second): &(&str, &str, i64)| {
            serde_json::from_value(serde_json::json!({
                "manager": manager, "operation": "Update", "fieldsType": "FieldsV1",
                "time": jiff::Timestamp::from_second(*second).unwrap().to_string(),
                "fieldsV1": {"f:spec": {format!("f:{field}"): {}}},
            }))
            .unwrap()
        };
        owners.iter().map(entry).collect()
    }

    #[test]
    fn whoever_wrote_the_field_last_is_named_unless_it_is_ourselves() {
        for (name, owners, wanted) in [
            ("nobody", vec![], None),
            ("ourselves", vec![("bizops-scale", "replicas", 5)], None),
            ("somebody else", vec![("kubectl-scale", "replicas", 5)], Some("kubectl-scale")),
            ("another field", vec![("kubectl", "template", 5)], None),
            ("the later of two", vec![("a", "replicas", 5), ("b", "replicas", 9)], Some("b")),
            ("shared with us", vec![("bizops-scale", "replicas", 5), ("argocd", "replicas", 9)], None),
        ] {
            let named = changed_by(&entries(&owners), "replicas", "bizops-scale");
            assert_eq!(named.as_deref(), wanted, "{name}");
        }
    }
}
