//! `testbed demo`: a real day of a web site in three minutes, carried by bizops on this machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};
use testbed::Error;

mod ahead;
mod build;
mod day;
mod interrupt;
mod manifests;
mod neighbours;
mod picture;
mod play;
mod progress;
mod reaction;
mod replay;
mod scene;
mod screen;
mod table;
mod view;
mod world;

/// Plays a day of a shop that bizops carries, on a cluster of its own
#[derive(Args)]
pub(crate) struct Demo {
    /// Leave everything standing at the end; `testbed down` ends it
    #[arg(long, env = "KEEP", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    keep: bool,
    /// Play the day in forty seconds instead of three minutes
    #[arg(long, env = "DEMO_FAST", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    fast: bool,
    /// Take fake nodes even where a real one can be had
    #[arg(long, env = "DEMO_FAKE", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    fake: bool,
    /// Take the images as they were built before
    #[arg(long, env = "DEMO_NO_BUILD", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    no_build: bool,
    /// Write the view at the height of the day to this file
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<ExitCode, Error> {
        interrupt::listen()?;
        let real = self.real();
        // With a progress line each; a second time they are found at once.
        if real {
            testbed::build_all()?;
        }
        let images = build::images(!self.no_build)?;
        let day = day::Day::new(self.fast)?;
        let busy = neighbours::busy();
        if let Some(share) = busy {
            let share = share * 100.0;
            eprintln!(
                "demo: THIS MACHINE IS {share:.0} % BUSY with something else: the figures will suffer from it"
            );
        }
        let mut scene = scene::Scene::set(real, &images)?;
        say_what_differs(&day);
        let begun = scene.begin(&day, &images)?;
        interrupt::orderly(true);
        let course = play::day(&mut scene, &day, begun)?;
        interrupt::orderly(false);
        if course.stopped {
            eprintln!("demo: stopped; everything ends now");
            return Ok(ExitCode::from(130));
        }
        let reactions = reaction::measure(&scene.testbed, course.span, &course.decisions, &course.seen)?;
        println!("\n{}", table::text(&day, &course, &reactions, &table::Place { real, busy }));
        println!("{}", ahead::table(&images.program("bizops"))?);
        if let Some(path) = &self.picture {
            write_picture(path, &course.height)?;
        }
        if self.keep {
            return keep(scene);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Whether there will be a real node; says aloud when there will not.
    fn real(&self) -> bool {
        match testbed::real_nodes() {
            Ok(()) if self.fake => {
                eprintln!("demo: fake nodes, as wished: pods only say they run, the shop is simulated");
                false
            }
            Ok(()) => true,
            Err(why) => {
                eprintln!("demo: NO REAL NODE here: {why}");
                eprintln!("demo: going on with fake nodes: pods only say they run, the shop is simulated");
                false
            }
        }
    }
}

fn say_what_differs(day: &day::Day) {
    eprintln!(
        "demo: a day is played {:.0} times faster than it was. The objectives are those of examples/, looked at every \
         second,\ndemo: with rates over 5 s and a scale-down window of {} s; a replica of the shop starts in a second.",
        day.speed(),
        manifests::WINDOW
    );
}

fn write_picture(path: &Path, lines: &[screen::Line]) -> Result<(), Error> {
    std::fs::write(path, picture::svg(lines))
        .map_err(|source| Error::Io { doing: format!("writing {}", path.display()), source })
}

/// Leaves everything, and says what can be done with it.
fn keep(scene: scene::Scene) -> Result<ExitCode, Error> {
    let kubeconfig = scene.testbed.kubeconfig().display().to_string();
    let prometheus = scene.testbed.prometheus_url();
    let real = scene.real;
    scene.keep()?;
    println!("\nIt stands until `make demo-down`. Try:");
    println!("  export KUBECONFIG={kubeconfig}");
    println!("  kubectl -n shop get objectives -w");
    println!("  kubectl -n shop describe objective browse");
    if real {
        println!("  # 300 requests a second from now on:");
        let rate = "/api/v1/namespaces/shop/services/load:http/proxy/rate";
        println!("  echo 300 | kubectl replace --raw {rate} -f -");
        println!("  kubectl -n {} logs deployment/bizops", scene::SYSTEM);
    }
    println!("  curl '{prometheus}/api/v1/query?query=shop_offered_rate'");
    println!("Without a kubectl of your own: cargo run -q -p testbed -- kubectl …");
    Ok(ExitCode::SUCCESS)
}
