//! A back-test as one page: a file without any request, in light and dark.

use std::fmt::Write as _;

use serde::Serialize;

/// The page around the data.
const TEMPLATE: &str = include_str!("page.html");
/// Where the data goes.
const PLACE: &str = "/*DATA*/";

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// The objective and its mapping.
    pub title: String,
    /// The unit of the demand.
    pub unit: String,
    /// The IANA time zone times are shown in.
    pub zone: String,
    /// The first moment, in seconds since 1970.
    pub start: i64,
    /// Seconds from one point to the next.
    pub step: f64,
    /// The demand's average over each point; `None` where it is not known.
    pub demand: Vec<Option<f32>>,
    /// The demand expected for each point, when it was decided; left out where there was no forecast at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Vec<Option<f32>>>,
    /// The demand that was to be exceeded in one case of twenty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<Vec<Option<f32>>>,
    /// The heads of the table.
    pub columns: Vec<String>,
    /// The policies compared; the first is the one the page is about.
    pub policies: Vec<PagePolicy>,
    /// The changes of the first policy.
    pub decisions: Vec<PageDecision>,
    /// What was assumed.
    pub assumed: Vec<String>,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PagePolicy {
    /// Its name.
    pub name: String,
    /// Its row of the table; the first cell is the name.
    pub cells: Vec<String>,
    /// What its ready replicas carry, in the unit of the demand: the least of each point.
    pub capacity: Vec<f32>,
    /// The demand that met no capacity: the average of each point.
    pub lost: Vec<f32>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PageDecision {
    /// The point it falls into.
    pub at: usize,
    /// From so many replicas …
    pub from: u32,
    /// … to so many.
    pub to: u32,
    /// Why.
    pub why: String,
}

impl Page {
    /// The page as a file.
    ///
    /// # Errors
    /// When a figure cannot be written as JSON, which none that is finite does.
    pub fn html(&self) -> Result<String, serde_json::Error> {
        let mut data = String::new();
        // Inside a script element only `</` and `<!--` would be read as markup: no `<` is written at all.
        for letter in serde_json::to_string(self)?.chars() {
            match letter {
                '<' => data.push_str("\\u003c"),
                '\u{2028}' | '\u{2029}' => {
                    let _ = write!(data, "\\u{:04x}", u32::from(letter));
                }
                other => data.push(other),
            }
        }
        Ok(TEMPLATE.replacen(PLACE, &data, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(title: &str) -> Page {
        Page {
            title: title.to_owned(),
            unit: "requests/s".to_owned(),
            zone: "UTC".to_owned(),
            start: 0,
            step: 15.0,
            demand: vec![Some(1.0), None],
            expected: None,
            upper: None,
            columns: vec!["policy".to_owned()],
            policies: vec![],
            decisions: vec![],
            assumed: vec![],
        }
    }

    #[test]
    fn nothing_in_the_data_can_become_markup() {
        let html = page("</script><script>alert(1)</script><!--").html().unwrap();
        assert_eq!(html.matches("</script>").count(), TEMPLATE.matches("</script>").count());
        assert!(html.contains("\\u003c/script>"));
        assert!(!html.contains(PLACE));
    }

    #[test]
    fn the_page_asks_nothing_of_anybody() {
        let html = page("web").html().unwrap();
        for word in ["http://", "https://", "src=", "@import", "url("] {
            let found = html.matches(word).count();
            let namespaces = html.matches("http://www.w3.org/2000/svg").count();
            assert_eq!(found, if word == "http://" { namespaces } else { 0 }, "{word}");
        }
    }
}
