//! The testbed's Prometheus: how it is started, what it scrapes, what it answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::Doing as _;
use crate::process::{Part, Recipe};
use crate::site::Site;
use crate::{Dial, Error, Testbed, folders, wait_until};

/// One series of an instant query's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels, with `__name__` when it has one.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// How Prometheus is started.
pub(crate) fn recipe(site: &Site) -> Result<Recipe, Error> {
    let config = site.file("prometheus.json");
    folders::write(&config, configuration(site).to_string().as_bytes())?;
    folders::write(&site.file("targets.json"), b"[]")?;
    let arguments = [
        // JSON is YAML.
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", site.file("metrics").display()),
        format!("--web.listen-address={}", listen(site)),
        "--web.enable-lifecycle".to_owned(),
        "--log.level=warn".to_owned(),
    ];
    site.recipe(Part::Prometheus, "prometheus", &arguments)
}

fn listen(site: &Site) -> String {
    let address = if site.options.is_real() { "0.0.0.0" } else { "127.0.0.1" };
    format!("{address}:{}", site.ports.prometheus)
}

fn configuration(site: &Site) -> Value {
    let interval = format!("{}ms", site.options.scrape_interval.as_millis());
    let mut jobs = vec![json!({
        "job_name": "testbed",
        // A dial's labels are the test's own, not those of a scraped shop.
        "honor_labels": true,
        "file_sd_configs": [{"files": [site.file("targets.json")], "refresh_interval": "1s"}],
    })];
    if site.options.is_real() {
        jobs.push(pods(site));
    }
    json!({
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "scrape_configs": jobs,
    })
}

/// Every pod, in every namespace, whose annotations ask for it in the customary way.
fn pods(site: &Site) -> Value {
    let annotation = |name: &str| format!("__meta_kubernetes_pod_annotation_prometheus_io_{name}");
    let copy = |from: &str, to: &str| json!({"source_labels": [from], "target_label": to});
    json!({
        "job_name": "pods",
        "kubernetes_sd_configs": [{"role": "pod", "kubeconfig_file": site.config("admin")}],
        "relabel_configs": [
            {"source_labels": [annotation("scrape")], "regex": "true", "action": "keep"},
            {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Running", "action": "keep"},
            {"source_labels": ["__meta_kubernetes_pod_ip", annotation("port")], "regex": "(.+);(.+)",
             "replacement": "$1:$2", "target_label": "__address__"},
            {"source_labels": [annotation("path")], "regex": "(.+)", "target_label": "__metrics_path__"},
            copy("__meta_kubernetes_namespace", "namespace"),
            copy("__meta_kubernetes_pod_name", "pod"),
            copy("__meta_kubernetes_pod_label_app", "app"),
        ],
    })
}

impl Testbed {
    /// A dial that this testbed's Prometheus scrapes from now on.
    pub fn dial(&self) -> Result<Dial, Error> {
        let dial = Dial::on(self.listen()?)?;
        self.scrape(&dial)?;
        Ok(dial)
    }

    /// Scrapes a dial from now on.
    pub fn scrape(&self, dial: &Dial) -> Result<(), Error> {
        self.scrape_address(&dial.address().to_string(), &[])
    }

    /// Scrapes `http://<address>/metrics` from now on and adds these labels; `__metrics_path__` is another path.
    pub fn scrape_address(&self, address: &str, labels: &[(&str, &str)]) -> Result<(), Error> {
        // A dial in a real node's namespace listens on every address there.
        let address = address.replace("0.0.0.0:", "127.0.0.1:");
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        self.edit_targets(|targets| targets.push(json!({"targets": [address], "labels": labels})))
    }

    /// Scrapes nothing that was added before: every series becomes stale.
    pub fn scrape_nothing(&self) -> Result<(), Error> {
        self.edit_targets(Vec::clear)
    }

    fn edit_targets(&self, edit: impl FnOnce(&mut Vec<Value>)) -> Result<(), Error> {
        let mut targets = self.targets();
        edit(&mut targets);
        folders::write(&self.site().file("targets.json"), json!(*targets).to_string().as_bytes())
    }

    /// What an instant query gives now.
    pub fn query(&self, promql: &str) -> Result<Vec<Sample>, Error> {
        let answer = self.prometheus_api().get(&format!("/api/v1/query?query={}", percent(promql)))?;
        let data = &answer["data"];
        let series = match data["resultType"].as_str() {
            Some("vector") => data["result"].as_array().cloned().unwrap_or_default(),
            _ => vec![json!({"metric": {}, "value": data["result"]})],
        };
        Ok(series.iter().filter_map(sample).collect())
    }

    /// The one value of an instant query.
    pub fn value(&self, promql: &str) -> Result<f64, Error> {
        match self.query(promql)?.as_slice() {
            [one] => Ok(one.value),
            many => Err(Error::NotHere(format!("{promql} gives {} series where one is meant", many.len()))),
        }
    }

    /// The numbers of a query's first series from one moment to another, both in seconds since 1970, each with its time.
    pub fn range(&self, promql: &str, (from, to): (f64, f64), step: &str) -> Result<Vec<(f64, f64)>, Error> {
        let query = percent(promql);
        let path = format!("/api/v1/query_range?query={query}&start={from:.3}&end={to:.3}&step={step}");
        let answer = self.prometheus_api().get(&path)?;
        let values = answer["data"]["result"][0]["values"].as_array().cloned().unwrap_or_default();
        let pair = |pair: &Value| Some((pair[0].as_f64()?, pair[1].as_str()?.parse().ok()?));
        Ok(values.iter().filter_map(pair).collect())
    }

    /// Waits until a query gives one series with this value.
    pub fn await_value(&self, promql: &str, value: f64, limit: Duration) -> Result<(), Error> {
        wait_until(&format!("{promql} = {value}"), limit, || match self.value(promql) {
            Ok(seen) if seen.total_cmp(&value).is_eq() => Ok(()),
            Ok(seen) => Err(seen.to_string()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Kills Prometheus and starts it without its data, as after the loss of its disk.
    pub fn restart_prometheus_empty(&self) -> Result<(), Error> {
        self.kill(Part::Prometheus)?;
        let data = self.site().file("metrics");
        std::fs::remove_dir_all(&data).at("removing", &data)?;
        self.start_part(Part::Prometheus)
    }

    /// Gives Prometheus a past: samples in `OpenMetrics` text with rising times, ended by `# EOF`.
    /// Prometheus is restarted over them.
    pub fn backfill(&self, openmetrics: &str) -> Result<(), Error> {
        let site = self.site();
        let input = site.file("backfill.om");
        folders::write(&input, openmetrics.as_bytes())?;
        let data = site.file("metrics");
        self.kill(Part::Prometheus)?;
        let paths = [input.display().to_string(), data.display().to_string()];
        self.promtool(&["tsdb", "create-blocks-from", "openmetrics", "--quiet", &paths[0], &paths[1]])?;
        self.start_part(Part::Prometheus)
    }
}

fn sample(series: &Value) -> Option<Sample> {
    let labels = series["metric"].as_object()?.iter();
    let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    let text = series["value"][1].as_str()?;
    let value = match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().ok()?,
    };
    Some(Sample { labels: labels.collect(), value })
}

/// Percent-encoding of a query parameter.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut coded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            coded.push(char::from(byte));
        } else {
            let _ = write!(coded, "%{byte:02X}");
        }
        coded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_survives_the_address_line() {
        assert_eq!(percent("sum(a{b=\"c d\"})"), "sum%28a%7Bb%3D%22c%20d%22%7D%29");
    }

    #[test]
    fn values_that_are_no_numbers_of_json_are_read() {
        let read =
            |text: &str| sample(&json!({"metric": {"app": "web"}, "value": [1.0, text]})).unwrap().value;
        assert!(read("NaN").is_nan());
        assert!(read("+Inf").is_infinite());
        assert!((read("2.5") - 2.5).abs() < f64::EPSILON);
    }
}
