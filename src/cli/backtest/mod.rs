//! `bizops backtest`: what an objective would have done, on recorded demand.

mod stdio;

use clap::Args;

use crate::model::Reserve;

/// What may be typed.
#[derive(Debug, Clone, Args)]
pub(super) struct BacktestArgs {
    /// Be driven line by line over standard input and output, by a simulator.
    #[arg(long)]
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

/// Runs it.
///
/// # Errors
/// What is wrong with the input, and where.
pub(super) fn run(args: &BacktestArgs) -> Result<(), String> {
    stdio::serve(&reserve(args)?, std::io::stdin().lock(), std::io::stdout().lock())
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
