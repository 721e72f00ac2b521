//! Text for people: cut safely, and figures grouped as they are read aloud.

use crate::model::figure;

/// Cuts a text to at most so many bytes, at a character boundary, and marks the cut. Control characters become
/// spaces: the words of servers and field managers are shown in one line.
pub(super) fn cut(text: &str, most: usize) -> String {
    const MARK: &str = "…";
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.len() <= most {
        return clean;
    }
    let mut end = most.saturating_sub(MARK.len());
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &clean[..end])
}

/// Writes a figure with thousands apart: 1180 is `1,180`.
pub(super) fn grouped(value: f64) -> String {
    let text = figure(value);
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    rest.map_or(out.clone(), |rest| format!("{out}.{rest}"))
}

/// `1 replica`, `12 replicas`.
pub(super) fn replicas(count: crate::model::Replicas) -> String {
    if count.0 == 1 { "1 replica".to_owned() } else { format!("{count} replicas") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_by_thousands() {
        for (value, text) in
            [(1180.0, "1,180"), (1_234_567.0, "1,234,567"), (-1000.0, "-1,000"), (0.5, "0.5"), (999.0, "999")]
        {
            assert_eq!(grouped(value), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_cut_text_fits_and_is_a_beginning(text in "\\PC{0,400}", most in 3_usize..300) {
            let short = cut(&text, most);
            proptest::prop_assert!(short.len() <= most);
            proptest::prop_assert!(text.starts_with(short.trim_end_matches('…')) || short == text);
        }
    }

    #[test]
    fn lines_are_joined() {
        assert_eq!(cut("a\nb\tc", 10), "a b c");
    }
}
