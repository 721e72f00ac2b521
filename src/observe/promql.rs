//! `PromQL`: checked before it is asked, and asked together with the age of its samples.

use std::fmt;

use jiff::SignedDuration;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

/// The longest query that is looked at; the schema has the same limit.
const LONGEST: usize = 4096;
/// The deepest nesting that is parsed: the parser recurses, and a few thousand levels overflow its stack.
const DEEPEST: usize = 200;
/// The most selectors whose age is asked; a query with more is dated by its first ones.
const MOST_SELECTORS: usize = 8;
/// Prometheus' look-back: a plain selector finds no sample older than this.
const LOOKBACK: SignedDuration = SignedDuration::from_mins(5);
/// The label that tells the two parts of a dated answer apart.
pub(super) const PART: &str = "bizops_part";

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromqlIssue {
    /// Line and column, both from 1, when the place is known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for PromqlIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// A query that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The query that gives the number and, in a second part, the time of its newest sample.
    pub dated: String,
    /// Whether the query names any series; one that does not (`vector(1)`) has no age.
    pub has_series: bool,
    /// The widest range in the query.
    pub widest: SignedDuration,
}

/// Checks that a query is `PromQL` and can give one number.
///
/// # Errors
/// What is wrong and, where it can be told, the line and column.
pub fn check(query: &str) -> Result<Checked, PromqlIssue> {
    guard(query)?;
    let expression = match promql_parser::parser::parse(query) {
        Ok(expression) => expression,
        // The parser refuses raw strings with backslashes, which are PromQL: leave them to the source.
        Err(_) if raw_backslash(query) => return Ok(undated(query)),
        Err(message) => return Err(locate(query, message)),
    };
    let kind = expression.value_type();
    let message = match kind {
        ValueType::Scalar | ValueType::Vector => None,
        ValueType::Matrix => {
            Some("a range of samples is not one number: wrap it in rate(), max_over_time() or the like")
        }
        ValueType::String => Some("a string is not a number"),
    };
    if let Some(message) = message {
        return Err(PromqlIssue { place: Some((1, 1)), message: message.to_owned() });
    }
    let mut found = Selectors::default();
    let _ = walk_expr(&mut found, &expression);
    let value = vector(query, &expression);
    let ages: Vec<String> = found.ages.iter().take(MOST_SELECTORS).map(|age| format!("max({age})")).collect();
    let dated = if ages.is_empty() {
        format!("label_replace({value}, \"{PART}\", \"value\", \"\", \"\")")
    } else {
        format!(
            "label_replace({value}, \"{PART}\", \"value\", \"\", \"\") or label_replace(max({}), \"{PART}\", \"newest\", \"\", \"\")",
            union(&ages)
        )
    };
    Ok(Checked { dated, has_series: !ages.is_empty(), widest: found.widest })
}

/// The query as a vector; the line break ends a comment the query may end with.
fn vector(query: &str, expression: &Expr) -> String {
    let wrap = if expression.value_type() == ValueType::Scalar { "vector" } else { "" };
    format!("{wrap}({query}\n)")
}

/// Joins one-element vectors so that each keeps its place: `or` would drop those with equal labels.
fn union(ages: &[String]) -> String {
    let parts: Vec<String> = ages
        .iter()
        .enumerate()
        .map(|(index, age)| format!("label_replace({age}, \"{PART}\", \"{index}\", \"\", \"\")"))
        .collect();
    parts.join(" or ")
}

/// A query that is asked as it is, without the age of its samples.
fn undated(query: &str) -> Checked {
    let dated = format!("label_replace(({query}\n), \"{PART}\", \"value\", \"\", \"\")");
    Checked { dated, has_series: false, widest: SignedDuration::ZERO }
}

/// The average of a query over a window, for baselines; 500 points at most, at least five seconds apart.
///
/// It is empty while less than half of the points exist: an average over four weeks that stands on the first minute of
/// a young metric would be frozen for good.
pub fn average_over(query: &str, window: SignedDuration) -> String {
    let step = (window.as_secs() / 500).clamp(5, 3600);
    let vector = match promql_parser::parser::parse(query) {
        Ok(expression) => vector(query, &expression),
        Err(_) => format!("({query}\n)"),
    };
    let window = window.as_secs().max(1);
    let (range, enough) = (format!("{vector}[{window}s:{step}s]"), (window / step / 2).max(1));
    format!("avg_over_time({range}) and count_over_time({range}) >= {enough}")
}

/// What the parser must not be given: too long, too deep, unbalanced.
fn guard(query: &str) -> Result<(), PromqlIssue> {
    let issue =
        |at: usize, message: &str| PromqlIssue { place: Some(place(query, at)), message: message.to_owned() };
    if query.len() > LONGEST {
        return Err(PromqlIssue { place: None, message: format!("longer than {LONGEST} bytes") });
    }
    if query.trim().is_empty() {
        return Err(issue(0, "the query is empty"));
    }
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut operators = 0_usize;
    let mut chars = query.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' | '\'' | '`' => {
                skip_string(&mut chars, char).ok_or_else(|| issue(at, "the string is not closed"))?;
            }
            '#' => while chars.next_if(|(_, next)| *next != '\n').is_some() {},
            '(' | '[' | '{' => open.push((at, char)),
            ')' | ']' | '}' => {
                let wanted = match char {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if open.pop().is_none_or(|(_, opened)| opened != wanted) {
                    return Err(issue(at, &format!("{char:?} closes nothing")));
                }
            }
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '<' | '>' => operators += 1,
            'a'..='z' | 'A'..='Z' if at > 0 && query.as_bytes()[at - 1] == b' ' => operators += 1,
            _ => {}
        }
        if open.len() > DEEPEST || operators > 2 * DEEPEST {
            return Err(issue(at, "the query is nested too deeply; record a part of it as a rule"));
        }
    }
    open.last().map_or(Ok(()), |(at, char)| Err(issue(*at, &format!("{char:?} is never closed"))))
}

/// Moves past a string's end; `None` if it has none.
fn skip_string(chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>, quote: char) -> Option<()> {
    while let Some((_, char)) = chars.next() {
        match char {
            '\\' if quote != '`' => {
                chars.next();
            }
            _ if char == quote => return Some(()),
            _ => {}
        }
    }
    None
}

fn raw_backslash(query: &str) -> bool {
    query.split('`').skip(1).step_by(2).any(|raw| raw.contains('\\'))
}

fn place(query: &str, at: usize) -> (usize, usize) {
    let before = query.get(..at).unwrap_or(query);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Finds the place an error speaks of: the word it quotes, or the first word after which nothing can follow.
fn locate(query: &str, message: String) -> PromqlIssue {
    let quoted = message
        .split('\'')
        .nth(1)
        .or_else(|| message.strip_prefix("bad number or duration syntax: "))
        .or_else(|| message.strip_prefix("illegal regex for "))
        .filter(|word| !word.is_empty());
    let at = quoted.and_then(|word| query.find(word)).or_else(|| dead_end(query));
    if message != "invalid promql query" {
        return PromqlIssue { place: at.map(|at| place(query, at)), message };
    }
    // What some ending would complete ends too early.
    let (at, message) = match at {
        Some(at) => (at, "this cannot stand here"),
        None => (query.trim_end().len(), "the query ends too early: something is missing here"),
    };
    PromqlIssue { place: Some(place(query, at)), message: message.to_owned() }
}

/// The start of the first word that no continuation can save: a prefix lives as long as some ending completes it.
fn dead_end(query: &str) -> Option<usize> {
    const ENDINGS: [&str; 7] = ["", "1m", " x", "1", "(x)", " (x) (x)", "=\"x\""];
    let words: Vec<usize> = word_starts(query);
    let lives = |end: usize| {
        let prefix = &query[..end];
        let closing = closers(prefix);
        // An error that names something is about meaning: the grammar was content.
        let completes = |ending: &str, tail: &str| {
            let whole = promql_parser::parser::parse(&format!("{prefix}{ending}{closing}{tail}"));
            whole.map_or_else(
                |error| error != "invalid promql query" && !error.starts_with("unexpected"),
                |_| true,
            )
        };
        ENDINGS.iter().any(|ending| completes(ending, "") || completes(ending, " (x)"))
    };
    let first_dead = words.windows(2).find(|pair| !lives(pair[1])).map(|pair| pair[0]);
    first_dead.or_else(|| words.last().copied().filter(|_| !lives(query.len())))
}

/// Where words and signs begin, and the end.
fn word_starts(query: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut last = ' ';
    for (at, char) in query.char_indices() {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        if !(char.is_whitespace() || word(char) && word(last)) {
            starts.push(at);
        }
        last = char;
    }
    starts.push(query.len());
    starts
}

/// What closes the brackets a prefix leaves open.
fn closers(prefix: &str) -> String {
    let mut open = String::new();
    for char in prefix.chars() {
        match char {
            '(' => open.insert(0, ')'),
            '[' => open.insert(0, ']'),
            '{' => open.insert(0, '}'),
            ')' | ']' | '}' if !open.is_empty() => {
                open.remove(0);
            }
            _ => {}
        }
    }
    open
}

/// The series a query names as of now, each with the expression of its newest sample's time.
#[derive(Default)]
struct Selectors {
    ages: Vec<String>,
    widest: SignedDuration,
}

impl Selectors {
    fn note(&mut self, selector: &VectorSelector, range: SignedDuration) {
        self.widest = self.widest.max(range);
        if selector.offset.is_some() || selector.at.is_some() {
            return;
        }
        // Beyond the look-back a plain selector finds nothing: look at it at a dozen moments of the range, too. Those
        // moments are whole multiples of the step, so that a series younger than a step is at none of them.
        let age = if range > LOOKBACK {
            let step = (range.as_secs() / 12).max(60);
            let now = format!("timestamp({selector})");
            format!("{now} or max_over_time({now}[{}s:{step}s])", range.as_secs())
        } else {
            format!("timestamp({selector})")
        };
        if !self.ages.contains(&age) {
            self.ages.push(age);
        }
    }
}

impl ExprVisitor for Selectors {
    type Error = ();

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, ()> {
        match expression {
            Expr::VectorSelector(selector) => self.note(selector, SignedDuration::ZERO),
            Expr::MatrixSelector(matrix) => {
                let range = SignedDuration::try_from(matrix.range).unwrap_or(SignedDuration::ZERO);
                self.note(&matrix.vs, range);
            }
            _ => {}
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
