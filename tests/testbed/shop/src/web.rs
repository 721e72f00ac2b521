//! The shop's front: pages, some of them with a search, some of them a checkout.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use hyper::Method;

use crate::http::client::Client;
use crate::http::{self, Answer};
use crate::metrics::Metrics;
use crate::model::{Even, TIERS, tier_at};
use crate::service::{Service, ServiceArgs, until_stopped};
use crate::settings::share;

/// How long another service may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The front's settings.
#[derive(Debug, Clone, Args)]
pub struct WebArgs {
    /// Capacity and latency.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Share of the requests that are checkouts
    #[arg(long, env = "SHOP_CONVERSION", value_parser = share, default_value = "10%")]
    pub conversion: f64,
    /// Where checkouts are paid; without it every checkout that is served is an order
    #[arg(long, env = "SHOP_PAYMENT_URL")]
    pub payment_url: Option<String>,
    /// Where the invoice of an order is put in line for a worker
    #[arg(long, env = "SHOP_QUEUE_URL")]
    pub queue_url: Option<String>,
    /// Share of the requests that search
    #[arg(long, env = "SHOP_SEARCHES", value_parser = share, default_value = "40%")]
    pub searches: f64,
    /// Where searches are answered; a search that fails leaves the page without it
    #[arg(long, env = "SHOP_SEARCH_URL")]
    pub search_url: Option<String>,
    /// Who mails the confirmation of an order; one that fails is forgotten
    #[arg(long, env = "SHOP_MAIL_URL")]
    pub mail_url: Option<String>,
}

/// What this visitor does.
#[derive(Debug, Clone, Copy)]
struct Visit {
    searches: bool,
    /// The tier of the customer who checks out.
    checkout: Option<&'static str>,
}

/// One after the other, visitors who search and buy in the given shares.
#[derive(Debug)]
struct Visitors {
    conversion: f64,
    searches: f64,
    draws: [Even; 3],
}

impl Visitors {
    fn new(conversion: f64, searches: f64) -> Self {
        Self { conversion, searches, draws: [5.0, 3.0, 7.0].map(|step: f64| Even::new(step.sqrt())) }
    }

    fn next(&mut self) -> Visit {
        let [buys, tier, searches] = self.draws.each_mut().map(|draw| draw.next().unwrap_or(1.0));
        Visit {
            searches: searches < self.searches,
            checkout: (buys < self.conversion).then(|| tier_at(tier)),
        }
    }
}

#[derive(Debug)]
struct Web {
    service: Service,
    metrics: Arc<Metrics>,
    visitors: Mutex<Visitors>,
    payment: Option<Client>,
    queue: Option<Client>,
    search: Option<Client>,
    mail: Option<Arc<Client>>,
}

impl Web {
    fn new(args: &WebArgs) -> Result<Self, String> {
        let client = |url: &Option<String>| url.as_deref().map(|url| Client::new(url, PATIENCE)).transpose();
        let service = Service::new("web", &args.service);
        let metrics = service.front().metrics;
        for (tier, _) in TIERS {
            metrics.add("shop_orders_total", &[("customer_tier", tier)], 0.0);
            metrics.add("shop_checkout_failures_total", &[("customer_tier", tier)], 0.0);
        }
        Ok(Self {
            service,
            metrics,
            visitors: Mutex::new(Visitors::new(args.conversion, args.searches)),
            payment: client(&args.payment_url)?,
            queue: client(&args.queue_url)?,
            search: client(&args.search_url)?,
            mail: client(&args.mail_url)?.map(Arc::new),
        })
    }

    async fn answer(&self) -> Answer {
        let visit = self.visitors.lock().unwrap_or_else(PoisonError::into_inner).next();
        let began = self.service.front().life.now();
        if !self.service.work().await {
            if let Some(tier) = visit.checkout {
                self.lost(tier);
            }
            return Answer { order: visit.checkout.map(|_| "lost"), ..Answer::refused("no capacity") };
        }
        if let (true, Some(search)) = (visit.searches, &self.search) {
            let _ = search.call(Method::GET, "/", "").await;
        }
        let order = match visit.checkout {
            Some(tier) => Some(self.checkout(tier).await),
            None => None,
        };
        self.service.took(self.service.front().life.now() - began);
        Answer { order, ..Answer::ok("page\n") }
    }

    async fn checkout(&self, tier: &'static str) -> &'static str {
        let paid = match &self.payment {
            Some(payment) => {
                payment.call(Method::POST, "/", "").await.is_ok_and(|reply| reply.status.is_success())
            }
            None => true,
        };
        if !paid {
            self.lost(tier);
            return "lost";
        }
        self.metrics.add("shop_orders_total", &[("customer_tier", tier)], 1.0);
        if let Some(queue) = &self.queue
            && let Err(error) = queue.call(Method::POST, "/jobs", "").await
        {
            eprintln!("an invoice was not put in line: {error}");
        }
        if let Some(mail) = self.mail.clone() {
            tokio::spawn(async move {
                let _ = mail.call(Method::POST, "/", "").await;
            });
        }
        "placed"
    }

    fn lost(&self, tier: &'static str) {
        self.metrics.add("shop_checkout_failures_total", &[("customer_tier", tier)], 1.0);
    }
}

/// Runs the front until it is stopped.
///
/// # Errors
/// When a URL is none, or its address or the signals cannot be had.
pub async fn run(args: &WebArgs) -> Result<(), String> {
    let web = Arc::new(Web::new(args)?);
    let front = web.service.front();
    let listener = http::listen(&args.service.life.listen).await?;
    let answer = move |_| {
        let web = Arc::clone(&web);
        async move { web.answer().await }
    };
    until_stopped(front.clone(), http::serve(listener, front, answer)).await
}
