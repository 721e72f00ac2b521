//! What one replica carries, learned from a signal: the load at which a latency, a queue's age or a CPU reaches its
//! limit.
//!
//! Samples of load per ready replica and signal are gathered in bins of load. In each, the signal's logarithm has a
//! fading mean and variance, in which a single sample counts for at most three deviations (winsorised; Huber 1964). A
//! signal rises with load, so the means are made to rise by pooling neighbours that do not (isotonic regression by
//! pool adjacent violators; Ayer et al. 1955). Where the risen line crosses the limit, a replica is full. The interval
//! is where the line crosses when every mean is moved by twice its standard error.
//!
//! What was never seen is not believed: where no load came near the limit, a replica is taken to carry at most a fifth
//! more than the highest load it was seen to carry within the limit. Whatever is found, what is used moves by at most
//! a tenth a day upwards and a tenth an hour downwards.

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Bin, Intent, Learned, LearnedModel, Mapping, MappingFacts, MappingMemory, Slower, TargetState, Workload,
};

/// Samples fade to a half over so many.
const HALF_LIFE: f64 = 20_000.0;
/// A bin of fewer samples says nothing.
const FEW: f64 = 30.0;
/// So many samples in all before anything is said.
const ENOUGH: f64 = 300.0;
/// A sample counts for at most so many deviations.
const CLIP: f64 = 3.0;
/// The least variance: a signal measured twice is never the same.
const LEAST_VARIANCE: f64 = 1e-4;
/// How much more than was ever seen a replica may be taken to carry.
const BEYOND: f64 = 1.2;
/// The fastest way up and down, a day.
const UP: f64 = 0.1;
/// See [`UP`].
const DOWN: f64 = 0.1 * 24.0;
/// The cumulative sum of deviations, less [`SLACK`] for each sample, at which pods count as slower (CUSUM; Page 1954).
const SLOWER: f64 = 40.0;
/// A signal this many deviations above the usual is no news.
const SLACK: f64 = 1.0;
/// Samples in a bin before a departure from it is news.
const SURE: f64 = 100.0;
/// What is left of what was learned when pods have become slower.
const FORGET: f64 = 0.02;
/// Replicas that were ready so long are judged.
const SETTLE: SignedDuration = SignedDuration::from_secs(60);

/// What is learned after one more pass; what was learned before where the pass says nothing.
///
/// Nothing is learned from data that is missing, partial or old, while replicas start or are replaced, or without
/// load.
pub(super) fn learn(
    intent: &Intent,
    mapping: &Mapping,
    model: &LearnedModel,
    facts: &MappingFacts,
    memory: &MappingMemory,
    now: Timestamp,
) -> Learned {
    let before = memory.learned.clone().unwrap_or_else(|| blank(model, now));
    let Some((load, signal)) = sample(intent, mapping, facts, memory, now) else { return before };
    let mut learned = before;
    let since = now.duration_since(learned.at).max(SignedDuration::ZERO);
    watch(&mut learned, model, (load, signal), now);
    note(&mut learned, model, load, signal);
    learned.at = now;
    conclude(&mut learned, model, since);
    learned
}

fn blank(model: &LearnedModel, now: Timestamp) -> Learned {
    Learned {
        carries: model.initial,
        low: model.initial,
        high: model.initial,
        known: false,
        at: now,
        bins: vec![Bin::default(); Learned::BINS],
        drift: 0.0,
        slower: None,
    }
}

/// The load of one replica and the logarithm of its signal, if this pass is to be learned from.
fn sample(
    intent: &Intent,
    mapping: &Mapping,
    facts: &MappingFacts,
    memory: &MappingMemory,
    now: Timestamp,
) -> Option<(f64, f64)> {
    let TargetState::Known(Workload { replicas, existing, ready: Some(ready), .. }) = facts.target else {
        return None;
    };
    let settle = SETTLE.max(mapping.startup + intent.interval);
    let moved = [memory.last_up, memory.last_down].into_iter().flatten().max();
    let settled = moved.is_none_or(|at| now.duration_since(at) >= settle);
    if !settled || ready != existing || existing != replicas || ready.0 == 0 {
        return None;
    }
    let demand = facts.demand.present()?;
    let signal = facts.signal.as_ref()?.present()?;
    (demand > 0.0 && signal > 0.0).then(|| (demand / ready.as_f64(), signal.ln()))
}

/// The bin of a load.
fn place(model: &LearnedModel, load: f64) -> usize {
    let share = load / (2.0 * model.initial) * Learned::BINS as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
    let index = share.max(0.0) as usize;
    index.min(Learned::BINS - 1)
}

/// The middle load of a bin.
fn middle(model: &LearnedModel, bin: usize) -> f64 {
    (bin as f64 + 0.5) * 2.0 * model.initial / Learned::BINS as f64
}

fn note(learned: &mut Learned, model: &LearnedModel, load: f64, signal: f64) {
    let fades = 0.5_f64.powf(1.0 / HALF_LIFE);
    for bin in &mut learned.bins {
        bin.weight *= fades;
    }
    let Some(bin) = learned.bins.get_mut(place(model, load)) else { return };
    let deviation = bin.variance.max(LEAST_VARIANCE).sqrt();
    let known = bin.weight >= FEW;
    let off = if known {
        (signal - bin.mean).clamp(-CLIP * deviation, CLIP * deviation)
    } else {
        signal - bin.mean
    };
    bin.weight += 1.0;
    let share = 1.0 / bin.weight;
    bin.mean += share * off;
    bin.variance += share * (off * off * (1.0 - share) - bin.variance);
}

/// Adds up by how much the signal is above what it was for this load; when that is too much, pods are slower.
fn watch(learned: &mut Learned, model: &LearnedModel, (load, signal): (f64, f64), now: Timestamp) {
    let Some(bin) = learned.bins.get(place(model, load)).copied().filter(|bin| bin.weight >= SURE) else {
        return;
    };
    let deviation = bin.variance.max(LEAST_VARIANCE).sqrt();
    let off = ((signal - bin.mean) / deviation).clamp(-CLIP, CLIP);
    learned.drift = (learned.drift + off - SLACK).max(0.0);
    if learned.drift < SLOWER {
        return;
    }
    let share = (signal - bin.mean).exp() - 1.0;
    learned.slower = Some(Slower { since: now, share });
    learned.drift = 0.0;
    for bin in &mut learned.bins {
        bin.weight *= FORGET;
    }
}

/// The bins that say something: load, mean and standard error, the means rising.
fn line(learned: &Learned, model: &LearnedModel) -> Vec<(f64, f64, f64)> {
    let mut pools: Vec<(f64, f64, f64, usize)> = vec![];
    let said = learned.bins.iter().enumerate().filter(|(_, bin)| bin.weight >= FEW);
    let said: Vec<(usize, &Bin)> = said.collect();
    for (_, bin) in &said {
        let error = (bin.variance.max(LEAST_VARIANCE) / bin.weight).sqrt();
        pools.push((bin.mean, bin.weight, error, 1));
        while let [.., (low, light, first, few), (high, heavy, second, many)] = pools[..]
            && low > high
        {
            let weight = light + heavy;
            let mean = (low * light + high * heavy) / weight;
            let error = ((first * light).powi(2) + (second * heavy).powi(2)).sqrt() / weight;
            pools.truncate(pools.len() - 2);
            pools.push((mean, weight, error, few + many));
        }
    }
    let means = pools.iter().flat_map(|(mean, _, error, count)| std::iter::repeat_n((*mean, *error), *count));
    said.iter().zip(means).map(|((bin, _), (mean, error))| (middle(model, *bin), mean, error)).collect()
}

/// The load at which a line, moved by so many standard errors, crosses the limit; and whether it does.
fn crossing(line: &[(f64, f64, f64)], limit: f64, errors: f64) -> Option<(f64, bool)> {
    let points = || line.iter().map(|(load, mean, error)| (*load, mean + errors * error));
    let within = points().take_while(|(_, mean)| *mean <= limit).last();
    let beyond = points().find(|(_, mean)| *mean > limit);
    Some(match (within, beyond) {
        (Some((low, below)), Some((high, above))) => {
            (low + (high - low) * (limit - below) / (above - below), true)
        }
        (Some((low, _)), None) => (low * BEYOND, false),
        (None, Some((high, _))) => (high, true),
        (None, None) => return None,
    })
}

fn conclude(learned: &mut Learned, model: &LearnedModel, since: SignedDuration) {
    let all: f64 = learned.bins.iter().map(|bin| bin.weight).sum();
    let line = line(learned, model);
    let limit = model.limit.ln();
    let (Some((found, crossed)), Some((low, _)), Some((high, _))) =
        (crossing(&line, limit, 0.0), crossing(&line, limit, 2.0), crossing(&line, limit, -2.0))
    else {
        return;
    };
    if all < ENOUGH {
        return;
    }
    // Without a crossing only more than before is news: a night without load does not make a replica weaker.
    let wanted = if crossed { found } else { found.max(learned.carries) };
    let days = since.as_secs_f64().min(3600.0) / 86_400.0;
    learned.carries =
        wanted.clamp(learned.carries * (1.0 - DOWN * days), learned.carries * (1.0 + UP * days));
    (learned.low, learned.high) = (low.min(learned.carries), high.max(learned.carries));
    learned.known = true;
}

#[cfg(test)]
mod tests;
