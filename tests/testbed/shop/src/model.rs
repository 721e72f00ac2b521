//! What a replica can do: capacity, refusal, latency. Values and times in, values out.
//!
//! The real services ask it one request at a time, the simulated fleet a tick at a time: one code for both.

/// Above this utilisation latency rises no further: what waits longer has been refused.
const FULL: f64 = 0.95;
/// Over which time utilisation is smoothed, in seconds.
const SMOOTHING: f64 = 2.0;

/// What one replica of a workload can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// Requests per second it serves.
    pub capacity: f64,
    /// How many seconds of work it lets wait before it refuses: what absorbs chance in the arrivals.
    pub patience: f64,
    /// Mean latency without load, in seconds.
    pub latency: f64,
}

/// Equal replicas behind one address, and how busy they are.
///
/// Capacity is a bucket that fills with `replicas × capacity` a second and holds `patience` seconds of it; a
/// request takes one from it or is refused.
#[derive(Debug, Clone)]
pub struct Station {
    profile: Profile,
    replicas: f64,
    room: f64,
    now: f64,
    rate: f64,
}

impl Station {
    /// A station without replicas at time 0.
    pub fn new(profile: Profile) -> Self {
        Self { profile, replicas: 0.0, room: 0.0, now: 0.0, rate: 0.0 }
    }

    /// Lets time pass until `now` (in seconds), from which on there are so many replicas.
    /// A new replica comes with all its patience; one that goes takes its own along.
    pub fn advance(&mut self, now: f64, replicas: u32) {
        let passed = (now - self.now).max(0.0);
        self.now = self.now.max(now);
        self.rate *= (-passed / SMOOTHING).exp();
        let limit = self.limit();
        self.room = (self.room + passed * self.replicas * self.profile.capacity).min(limit);
        let before = self.replicas;
        self.replicas = f64::from(replicas);
        if self.replicas < before {
            self.room *= self.replicas / before;
        } else if self.replicas > before {
            let old = if before > 0.0 { limit } else { 0.0 };
            self.room = self.room.min(old) + self.limit() - old;
        }
    }

    /// Offers so many requests now and returns how many are served; the others are refused.
    pub fn offer(&mut self, requests: f64) -> f64 {
        let served = requests.min(self.room).max(0.0);
        self.take(served);
        served
    }

    /// Offers one whole request and says whether it is served.
    pub fn admit(&mut self) -> bool {
        let served = self.room >= 1.0;
        if served {
            self.take(1.0);
        }
        served
    }

    /// How many requests could be served at once, now.
    pub fn room(&self) -> f64 {
        self.room
    }

    /// Share of the capacity in use, smoothed over some seconds; 1 when there is no replica.
    pub fn utilisation(&self) -> f64 {
        let capacity = self.replicas * self.profile.capacity;
        if capacity > 0.0 { (self.rate / capacity).min(1.0) } else { 1.0 }
    }

    /// Mean latency now, in seconds, as of a queue with one server: `latency / (1 - utilisation)`.
    ///
    /// Worked: 20 ms without load are 40 ms at 50 % utilisation, 100 ms at 80 % and, at most, 400 ms.
    pub fn latency(&self) -> f64 {
        self.profile.latency / (1.0 - self.utilisation().min(FULL))
    }

    fn take(&mut self, served: f64) {
        self.room -= served;
        self.rate += served / SMOOTHING;
    }

    /// The most work that may wait; at least one request, or nothing would ever be served.
    fn limit(&self) -> f64 {
        let waiting = self.replicas * self.profile.capacity * self.profile.patience;
        if self.replicas > 0.0 { waiting.max(1.0) } else { 0.0 }
    }
}

/// Share of requests that take at most `within` seconds when the mean is `mean`: latencies are exponential.
pub fn share_within(within: f64, mean: f64) -> f64 {
    if mean > 0.0 { 1.0 - (-within / mean).exp() } else { 1.0 }
}

/// The latency below which the share `share` (0 to 1) of the requests lies: the inverse of [`share_within`].
pub fn latency_at(share: f64, mean: f64) -> f64 {
    -mean * (1.0 - share.clamp(0.0, 0.999)).ln()
}

/// Work that waits until someone takes it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Backlog {
    depth: f64,
}

impl Backlog {
    /// How much waits.
    pub fn depth(&self) -> f64 {
        self.depth
    }

    /// Adds work.
    pub fn add(&mut self, work: f64) {
        self.depth += work.max(0.0);
    }

    /// Takes at most so much and returns what was taken.
    pub fn take(&mut self, most: f64) -> f64 {
        let taken = most.min(self.depth).max(0.0);
        self.depth -= taken;
        taken
    }
}

/// Customers by tier, with each tier's share.
pub const TIERS: [(&str, f64); 3] = [("gold", 0.1), ("silver", 0.3), ("standard", 0.6)];

/// The tier of a customer drawn at `share` (0 to 1).
pub fn tier_at(share: f64) -> &'static str {
    let mut below = 0.0;
    for (tier, part) in TIERS {
        below += part;
        if share < below {
            return tier;
        }
    }
    "standard"
}

/// Numbers from 0 to 1 that fill the range evenly: the same every time, and a share of 5 % is 5 of any 100.
#[derive(Debug, Clone)]
pub struct Even {
    last: f64,
    step: f64,
}

impl Even {
    /// A sequence of its own for each `step`, which should be irrational, such as the square root of 2.
    pub fn new(step: f64) -> Self {
        Self { last: 0.5, step: step.fract() }
    }
}

impl Iterator for Even {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        self.last = (self.last + self.step).fract();
        Some(self.last)
    }
}

#[cfg(test)]
mod tests;
