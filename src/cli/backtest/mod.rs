//! `bizops backtest`: what an objective would have done, on recorded demand.

mod manifest;
mod picture;
mod source;
mod stdio;
mod table;
mod trace;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

use crate::api::v1alpha1::Span;
use crate::backtest::{Comparison, Kind, Recording, Setting, bridged, compare, join};
use crate::model::{Intent, Mapping, Money, Reserve};

/// The grid decisions are made on.
const STEP: i64 = 15;

/// What may be typed.
#[derive(Debug, Clone, Args)]
pub(super) struct BacktestArgs {
    /// The objective: a manifest.
    #[arg(short, long, value_name = "FILE", required_unless_present = "stdio")]
    file: Option<PathBuf>,
    /// Recorded demand: a CSV file of timestamp,value.
    #[arg(long, value_name = "CSV", conflicts_with = "source")]
    trace: Option<PathBuf>,
    /// What a value of the trace counts: rate (per second), count (from one line to the next) or gauge.
    #[arg(long, value_name = "KIND", default_value = "rate")]
    kind: TraceKind,
    /// Read the demand's history from this Prometheus instead: its URL.
    #[arg(long, value_name = "URL", requires = "from")]
    source: Option<String>,
    /// From when on history is read, e.g. 2026-11-01T00:00:00Z.
    #[arg(long, value_name = "TIME", requires = "source")]
    from: Option<Timestamp>,
    /// Until when. Default: now.
    #[arg(long, value_name = "TIME", requires = "source")]
    to: Option<Timestamp>,
    /// The mapping that is judged. Default: the first.
    #[arg(long, value_name = "NAME")]
    mapping: Option<String>,
    /// How much of the end is judged; what lies before is history the forecast may know. Default: what is left after
    /// policy.forecast.history, at least half.
    #[arg(long, value_name = "SPAN")]
    judged: Option<String>,
    /// How long a replica takes to start, and every objective takes it to. Default: what each takes it to; the first is
    /// right.
    #[arg(long, value_name = "SPAN")]
    startup: Option<String>,
    /// How old the newest sample is when it is decided on.
    #[arg(long, value_name = "SPAN", default_value = "45s")]
    age: String,
    /// What a replica costs per hour, e.g. 0.12USD. Default: cost.perReplicaHour.
    #[arg(long, value_name = "MONEY")]
    cost: Option<String>,
    /// Replicas at the beginning. Default: what the demand needs then.
    #[arg(long, value_name = "N")]
    replicas: Option<u32>,
    /// Set a field of the objective, e.g. spec.mappings[0].unserved=1%; repeatable.
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Another objective to compare with: name=FILE; repeatable.
    #[arg(long, value_name = "NAME=FILE")]
    variant: Vec<String>,
    /// The path of the demand between samples that are coarser than 15 s is drawn with this seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How the comparison is printed.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
    /// Write the comparison with charts to this file too: one page that asks nothing of anybody.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Be driven line by line over standard input and output, by a simulator.
    #[arg(long, conflicts_with_all = ["trace", "source", "html"])]
    stdio: bool,
    /// With --stdio: the share of demand that may meet no capacity, e.g. 0.003.
    #[arg(long, value_name = "SHARE", requires = "stdio", conflicts_with_all = ["price", "quantile"])]
    unserved: Option<f64>,
    /// With --stdio: the demand a replica must be expected to save, counting what one replica carries as 1.
    #[arg(long, value_name = "PRICE", requires = "stdio", conflicts_with = "quantile")]
    price: Option<f64>,
    /// With --stdio: the quantile of the demand that is to be covered, e.g. 0.95.
    #[arg(long, value_name = "QUANTILE", requires = "stdio")]
    quantile: Option<f64>,
}

/// How the comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// What a value of a trace counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TraceKind {
    /// Per second.
    Rate,
    /// From one line to the next.
    Count,
    /// At that moment.
    Gauge,
}

/// Runs it; whether the objective kept what it promises.
///
/// # Errors
/// What is wrong with the input, and where.
pub(super) fn run(args: &BacktestArgs) -> Result<bool, String> {
    if args.stdio {
        return stdio::serve(&reserve(args)?, std::io::stdin().lock(), std::io::stdout().lock())
            .map(|()| true);
    }
    let Some(file) = &args.file else { return Err("write -f FILE".to_owned()) };
    let main = manifest::load(file, &args.set)?;
    let mut variants = vec![(main.id.name.clone(), main)];
    for variant in &args.variant {
        let (name, path) =
            variant.split_once('=').ok_or_else(|| format!("--variant {variant}: write name=FILE"))?;
        variants.push((name.to_owned(), manifest::load(Path::new(path), &[])?));
    }
    let index = index(args, &variants[0].1)?;
    let mapping = variants[0].1.mappings[index].clone();
    for (name, variant) in &mut variants[1..] {
        let found = variant.mappings.iter().find(|found| found.name == mapping.name).cloned();
        let found = found.ok_or_else(|| format!("--variant {name}: there is no mapping {}", mapping.name))?;
        variant.mappings = vec![found; index + 1];
    }
    let recording = recording(args, &mapping)?;
    let setting = setting(args, &variants[0].1, &mapping, &recording)?;
    if args.startup.is_some() {
        for (_, variant) in &mut variants {
            variant.mappings[index].startup = setting.startup;
        }
    }
    let comparison = together(&variants, index, &recording, &setting)
        .ok_or("nothing can be compared: the capacity of a measured baseline is not known beforehand; write demand and replicas")?;
    print(args, &comparison)?;
    if let Some(path) = &args.html {
        let title = format!("{} / {}", variants[0].1.id, mapping.name);
        let page = picture::page(&comparison, &title, &variants[0].1.zone);
        let html = page.html().map_err(|error| format!("the page cannot be made: {error}"))?;
        write(path, &html)?;
        eprintln!("{} written", path.display());
    }
    Ok(kept(&mapping.reserve, &comparison))
}

/// Whether the first objective lost no more than it may.
fn kept(reserve: &Reserve, comparison: &Comparison) -> bool {
    let (Reserve::Unserved(share), Some(row)) = (reserve, comparison.rows.first()) else { return true };
    if row.outcome.lost_share > *share {
        eprintln!(
            "bizops: {} would have lost {:.3}%, more than the {} that may go unserved",
            row.policy,
            row.outcome.lost_share * 100.0,
            crate::model::share_text(*share)
        );
        return false;
    }
    true
}

/// Plays the variants on all cores, each beside the others.
fn together(
    variants: &[(String, Intent)],
    index: usize,
    recording: &Recording,
    setting: &Setting,
) -> Option<Comparison> {
    let progress = ProgressBar::hidden();
    if std::io::stderr().is_terminal() {
        progress.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    }
    progress.set_length(variants.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} objectives, {eta} left") {
        progress.set_style(style);
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut made: Vec<Option<Comparison>> = vec![];
    for some in variants.chunks(cores) {
        let some: Vec<Option<Comparison>> = std::thread::scope(|scope| {
            let threads: Vec<_> = some
                .iter()
                .map(|(name, intent)| {
                    scope.spawn(move || compare(&[(name, intent)], index, recording, setting))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().ok().flatten()).collect()
        });
        progress.inc(some.len() as u64);
        made.extend(some);
    }
    progress.finish_and_clear();
    join(made.into_iter().collect::<Option<Vec<_>>>()?)
}

fn index(args: &BacktestArgs, intent: &Intent) -> Result<usize, String> {
    let names: Vec<&str> = intent.mappings.iter().map(|mapping| mapping.name.as_str()).collect();
    match &args.mapping {
        _ if names.is_empty() => Err(format!("{} has no mappings: there is nothing to size", intent.id)),
        None => Ok(0),
        Some(wanted) => names.iter().position(|name| name == wanted).ok_or_else(|| {
            format!("--mapping {wanted}: there is none of that name; there are {}", names.join(", "))
        }),
    }
}

/// The demand on the grid, with what was mended told.
fn recording(args: &BacktestArgs, mapping: &Mapping) -> Result<Recording, String> {
    let (recording, warnings) = match (&args.trace, &args.source) {
        (Some(path), _) => {
            let trace = trace::read_file(path)?;
            let kind = match args.kind {
                TraceKind::Rate => Kind::Rate,
                TraceKind::Count => Kind::Count,
                TraceKind::Gauge => Kind::Gauge,
            };
            (bridged(&trace.samples, kind, STEP, args.seed), trace.warnings)
        }
        (None, Some(url)) => {
            let from = args.from.ok_or("--source needs --from")?;
            source::read(url, &mapping.demand.query, from, args.to.unwrap_or_else(Timestamp::now))?
        }
        (None, None) => return Err("write --trace CSV, or --source URL --from TIME".to_owned()),
    };
    for warning in warnings {
        eprintln!("bizops: {warning}");
    }
    Ok(recording)
}

fn setting(
    args: &BacktestArgs,
    intent: &Intent,
    mapping: &Mapping,
    recording: &Recording,
) -> Result<Setting, String> {
    let span = |name: &str, text: &str| {
        Span::from(text).value().ok_or_else(|| format!("--{name} {text}: write a duration such as 60s or 7d"))
    };
    let optional =
        |name: &str, text: &Option<String>| text.as_deref().map(|text| span(name, text)).transpose();
    let end = recording.at(recording.demand.len());
    let whole = end.duration_since(recording.at(0));
    let half = SignedDuration::from_secs(whole.as_secs() / 2);
    let judged =
        optional("judged", &args.judged)?.unwrap_or((whole - intent.policy.forecast.history).max(half));
    if judged > whole {
        let there = crate::model::span(whole);
        return Err(format!("--judged {}: there are only {there} of demand", crate::model::span(judged)));
    }
    Ok(Setting {
        from: end - judged,
        capacity: mapping.capacity.clone(),
        startup: optional("startup", &args.startup)?.unwrap_or(mapping.startup),
        age: span("age", &args.age)?,
        replicas: args.replicas,
        cost: match &args.cost {
            Some(text) => Some(money(text)?),
            None => mapping.cost.clone(),
        },
    })
}

/// `0.12USD`.
fn money(text: &str) -> Result<Money, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_uppercase());
    let currency = &text[digits.len()..];
    match digits.trim().parse::<f64>() {
        Ok(amount) if amount >= 0.0 && currency.len() == 3 => {
            Ok(Money { amount, currency: currency.to_owned() })
        }
        _ => Err(format!("--cost {text}: write an amount and a currency, such as 0.12USD")),
    }
}

fn print(args: &BacktestArgs, comparison: &Comparison) -> Result<(), String> {
    let text = match args.output {
        Format::Table => {
            let mut text = table::text(comparison);
            text.push('\n');
            for words in &comparison.assumed {
                text.push_str("- ");
                text.push_str(words);
                text.push('\n');
            }
            text
        }
        Format::Csv => table::csv(comparison),
        Format::Json => format!("{:#}\n", table::json(comparison)),
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("the comparison cannot be printed: {error}"))
        }
        _ => Ok(()),
    }
}

/// Writes a file as a whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: &dyn std::fmt::Display| format!("{}: cannot be written: {error}", path.display());
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    let mut file =
        tempfile::Builder::new().permissions(readable).tempfile_in(folder).map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error))?;
    Ok(())
}

/// The reserve of `--stdio`.
fn reserve(args: &BacktestArgs) -> Result<Reserve, String> {
    let within = |name: &str, value: f64| {
        let sound = value > 0.0 && value < 1.0;
        sound.then_some(value).ok_or_else(|| format!("--{name} {value}: write a number between 0 and 1"))
    };
    Ok(match (args.unserved, args.price, args.quantile) {
        (Some(share), _, _) => Reserve::Unserved(within("unserved", share)?),
        (_, Some(price), _) => Reserve::Price(within("price", price)?),
        (_, _, Some(quantile)) => Reserve::Quantile(within("quantile", quantile)?),
        _ => return Err("--stdio needs one of --unserved, --price and --quantile".to_owned()),
    })
}
