//! Tests of the file above.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (query, words) in [
        ("", "line 1, column 1: the query is empty"),
        ("sum(rate(x[5m])", "line 1, column 4: '(' is never closed"),
        ("rate(x[5m]) )", "line 1, column 13: ')' closes nothing"),
        ("x{a=\"b}", "line 1, column 5: the string is not closed"),
        (
            "x[5m]",
            "line 1, column 1: a range of samples is not one number: wrap it in rate(), max_over_time() or the like",
        ),
        ("\"s\"", "line 1, column 1: a string is not a number"),
        ("foo bar", "line 1, column 5: this cannot stand here"),
        ("sum by (a b) (x)", "line 1, column 11: this cannot stand here"),
        ("rate(x[5m]) > > 3", "line 1, column 15: this cannot stand here"),
        ("sum(\n  nosuch(x)\n)", "line 2, column 3: unknown function with name 'nosuch'"),
        ("sum(rate(x[5q]))", "line 1, column 12: bad number or duration syntax: 5q"),
        ("x{a=b}", "line 1, column 5: unexpected identifier 'b' in label matching, expected string"),
    ] {
        let said = check(query).map(|checked| checked.dated).unwrap_err().to_string();
        assert_eq!(said, words, "{query:?}");
    }
}

#[test]
fn deep_nesting_is_refused_before_it_overflows_the_stack() {
    for query in [
        format!("{}x{}", "(".repeat(1500), ")".repeat(1500)),
        format!("{}x", "-".repeat(4000)),
        "x+".repeat(2000) + "x",
    ] {
        assert!(check(&query).unwrap_err().message.contains("nested too deeply"));
    }
}

#[test]
fn a_raw_string_with_a_backslash_is_left_to_the_source() {
    let checked = check(r#"label_replace(x, "a", "b", "c", `\d+`)"#).unwrap();
    assert!(!checked.has_series);
}

#[test]
fn the_age_of_every_series_of_now_is_asked_along() {
    let checked = check("sum(rate(a[1m])) / on() b{x=\"y\"} > c offset 1w").unwrap();
    assert!(
        checked.dated.contains("timestamp(a)") && checked.dated.contains("timestamp(b{x=\"y\"})"),
        "{}",
        checked.dated
    );
    assert!(
        !checked.dated.contains("timestamp(c"),
        "last week's samples say nothing about now: {}",
        checked.dated
    );
    let checked = check("sum(increase(a[1h]))").unwrap();
    assert!(
        checked.dated.contains("max(timestamp(a) or max_over_time(timestamp(a)[3600s:300s]))"),
        "{}",
        checked.dated
    );
    assert_eq!(checked.widest, SignedDuration::from_hours(1));
    assert!(!check("vector(1)").unwrap().has_series);
    assert!(check("1 + 2").unwrap().dated.starts_with("label_replace(vector(1 + 2\n)"));
}

#[test]
fn every_dated_query_is_promql_again() {
    for query in [
        "up",
        "sum(rate(shop_orders_total[5m])) * 3600",
        "histogram_quantile(0.95, sum by (le) (rate(x_bucket{app=\"payment\"}[1m])))",
        "sum(x) or vector(0)",
        "max_over_time(sum(x)[10m:1m])",
        "scalar(sum(x))",
        "x # and a comment",
        "time()",
    ] {
        let dated = check(query).unwrap().dated;
        assert!(promql_parser::parser::parse(&dated).is_ok(), "{query}: {dated}");
        let average = average_over(query, SignedDuration::from_hours(1));
        assert!(check(&average).is_ok(), "{average}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn no_text_panics(query in "\\PC{0,80}") {
        let _ = check(&query);
    }

    #[test]
    fn no_pieces_of_promql_panic(pieces in proptest::collection::vec(
        prop_oneof![Just("sum"), Just("("), Just(")"), Just("x"), Just("[5m]"), Just("{a=\"b\"}"), Just("by"), Just("+"), Just("`\\`"), Just("\n"), Just("é"), Just("#"), Just("\""), Just("offset 1w"), Just("1.5e3")], 0..25)) {
        let _ = check(&pieces.join(" "));
    }
}
