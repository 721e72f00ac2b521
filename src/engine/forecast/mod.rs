//! The demand to come, and how many replicas it is worth having when it does.
//!
//! One [`Foresight`] per mapping takes in demand moment by moment and answers for the lead time: how demand is
//! distributed then ([`Foreseen`]), and how many replicas are worth their price ([`Wish`]). It knows no clock and
//! keeps nothing on disk: the same ticks give the same answers, and a state is rebuilt by feeding it history.
//!
//! Imports go one way: math, compact → recent, past, ridge, shape → features → forecaster → ladder, skill →
//! budget → here. The method and its sources are in `docs/design/forecasting.md`.

mod budget;
mod compact;
mod features;
mod forecaster;
mod foreseen;
mod grid;
mod ladder;
mod math;
mod past;
mod recent;
mod ridge;
mod shape;
mod skill;
mod terms;
mod trail;

use jiff::{SignedDuration, Timestamp};

use budget::Budget;
use forecaster::Forecaster;
pub use foreseen::Foreseen;
use grid::Grid;
use ladder::Ladder;
use skill::Scores;
pub use terms::{Aim, LossSource, Losses, Rung, Skill, Standing, Terms, Tick, Wish};

/// So much history before the forecast is believed.
const NEEDED: SignedDuration = SignedDuration::from_hours(2);
/// So many samples in a row after a silence that emptied the short memory.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// A reactive scaler keeps replicas this busy: what the forecast is never below while it is not believed.
const REACTIVE: f64 = 0.7;
/// Below this the forecast is not believed, and again from [`SKILLED`] on.
const UNSKILLED: f64 = -0.05;
/// See [`UNSKILLED`].
const SKILLED: f64 = 0.0;
/// The newest sample stands so long without another.
const STANDS: SignedDuration = SignedDuration::from_mins(5);

/// What is known about the demand of one mapping, and what follows.
#[derive(Debug, Clone)]
pub struct Foresight {
    terms: Terms,
    grid: Grid,
    forecaster: Forecaster,
    ladder: Ladder,
    budget: Budget,
    scores: Scores,
    /// The newest moment, and how many had a sample.
    newest: Option<i64>,
    samples: u64,
    skilled: bool,
    wish: Option<Wish>,
}

impl Foresight {
    /// Knows nothing yet.
    pub fn new(terms: Terms) -> Self {
        let grid = Grid::new(&terms);
        Self {
            forecaster: Forecaster::new(grid, terms.zone.clone()),
            ladder: Ladder::new(&grid),
            budget: Budget::new(&grid, terms.aim),
            scores: Scores::new(&grid),
            newest: None,
            samples: 0,
            skilled: true,
            wish: None,
            grid,
            terms,
        }
    }

    /// What it was asked.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Takes in the next moment. Moments left out are gaps; one that is not after the newest is ignored.
    pub fn advance(&mut self, tick: &Tick) {
        let moment = self.grid.moment(tick.at);
        let left_out = match self.newest {
            Some(newest) if moment <= newest => return,
            Some(newest) => usize::try_from(moment - newest - 1).unwrap_or(usize::MAX),
            None => 0,
        };
        let demand = tick.demand.filter(|demand| demand.is_finite() && *demand >= 0.0);
        if self.newest.is_none() && demand.is_none() {
            return;
        }
        self.newest = Some(moment);
        self.silence(left_out);
        match demand.and_then(|demand| Some((demand, self.forecaster.advance(moment, demand)?))) {
            Some((demand, seen)) => self.decide(moment, tick, demand, &seen),
            None => self.silence(1),
        }
    }

    fn silence(&mut self, steps: usize) {
        if steps > 0 {
            self.forecaster.silence(steps);
            self.ladder.silence(steps);
        }
    }

    fn decide(&mut self, moment: i64, tick: &Tick, demand: f64, seen: &Foreseen) {
        self.samples += 1;
        self.scores.advance(moment, demand, seen);
        if let Some(skill) = self.scores.over_naive() {
            self.skilled = skill >= if self.skilled { UNSKILLED } else { SKILLED };
        }
        self.ladder.advance(demand, seen);
        let place = self.budget.place(&self.ladder);
        let forecast = (self.ladder.wanted(place) - 0.5).ceil();
        let reactive =
            if self.is_believed() { 0.0 } else { (self.forecaster.busiest_minute() / REACTIVE).ceil() };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "casts of floats saturate"
        )]
        let replicas = forecast.max(reactive).max(1.0) as u32;
        // A forecast never lowers below what the demand observed needs.
        let replicas =
            replicas.max(self.wish.map_or(0, |before| before.replicas.min(self.ladder.observed())));
        self.budget.note(tick, demand, replicas);
        self.wish = Some(Wish {
            replicas,
            price: ladder::price(place),
            saving: seen.worth(replicas - 1),
            next_saving: seen.worth(replicas),
        });
    }

    fn is_believed(&self) -> bool {
        self.standing() == Standing::Ready && self.grid.time(i64::from(self.forecaster.fresh())) >= FRESH
    }

    fn is_fresh(&self) -> bool {
        self.grid.time(i64::try_from(self.forecaster.gap()).unwrap_or(i64::MAX)) <= STANDS
    }

    /// The distribution of demand at the lead time after the newest sample; none before the first, and none when
    /// there was no sample for five minutes.
    pub fn foreseen(&self) -> Option<Foreseen> {
        self.forecaster.foreseen().filter(|_| self.is_fresh())
    }

    /// The newest moment taken in.
    pub fn newest(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.newest?.checked_mul(self.grid.step)?).ok()
    }

    /// Whether the forecast may be believed. Until then the wish is never below what a reactive scaler that keeps
    /// replicas 70 % busy over the last five minutes would ask for.
    pub fn standing(&self) -> Standing {
        let have = self.grid.time(i64::try_from(self.samples).unwrap_or(i64::MAX));
        if have < NEEDED {
            return Standing::Learning { have, need: NEEDED };
        }
        match self.scores.over_naive() {
            Some(skill) if !self.skilled => Standing::Unskilled { skill },
            _ => Standing::Ready,
        }
    }

    /// How good the forecast has been of late.
    pub fn skill(&self) -> Skill {
        Skill {
            over_naive: self.scores.over_naive(),
            horizon: self.grid.time(self.grid.ahead()),
            coverage: self.scores.coverage(),
            compared: self.scores.compared(),
        }
    }

    /// Demand that met no capacity within the rolling window; none before any demand.
    pub fn losses(&self) -> Option<Losses> {
        self.budget.losses()
    }

    /// How many replicas to have from now on; none before the first sample, and none when there was no sample for
    /// five minutes.
    pub fn wish(&self) -> Option<Wish> {
        self.wish.filter(|_| self.is_fresh())
    }

    /// What every price asks for and would have lost, the dearest first.
    pub fn rungs(&self) -> Vec<Rung> {
        (0..ladder::RUNGS)
            .map(|rung| Rung {
                price: ladder::price(rung as f64),
                replicas: u32::try_from(math::index(self.ladder.wanted(rung as f64))).unwrap_or(u32::MAX),
                lost: self.ladder.lost(rung).unwrap_or(0.0),
            })
            .collect()
    }

    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.forecaster.bytes()
            + self.ladder.bytes()
            + self.budget.bytes()
            + self.scores.bytes()
    }
}

#[cfg(test)]
mod tests;
