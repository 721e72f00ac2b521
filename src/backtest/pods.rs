//! Replicas in virtual time: ordered, starting, serving, gone.

use std::collections::VecDeque;

/// The replicas of one workload. Those that are ordered serve a start-up later; of those that are taken away the
/// ones that are still starting go first, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pods {
    startup: usize,
    existing: u32,
    ready: u32,
    /// The moments at which replicas begin to serve, ascending.
    starting: VecDeque<usize>,
}

impl Pods {
    /// So many that serve already; a new one takes so many steps to start.
    pub fn new(replicas: u32, startup: usize) -> Self {
        Self { startup, existing: replicas, ready: replicas, starting: VecDeque::new() }
    }

    /// All that exist; each is paid for.
    pub fn existing(&self) -> u32 {
        self.existing
    }

    /// Those that serve.
    pub fn ready(&self) -> u32 {
        self.ready
    }

    /// Lets those whose time has come serve.
    pub fn begin(&mut self, moment: usize) {
        while self.starting.front().is_some_and(|at| *at <= moment) {
            self.starting.pop_front();
            self.ready += 1;
        }
    }

    /// Brings their number to what is wanted.
    pub fn set(&mut self, moment: usize, wanted: u32) {
        for _ in self.existing..wanted {
            if self.startup == 0 {
                self.ready += 1;
            } else {
                self.starting.push_back(moment + self.startup);
            }
        }
        for _ in wanted..self.existing {
            if self.starting.pop_back().is_none() {
                self.ready -= 1;
            }
        }
        self.existing = wanted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_serves_a_start_up_after_it_is_ordered_and_starting_ones_go_first() {
        let mut pods = Pods::new(2, 4);
        pods.set(0, 5);
        assert_eq!((pods.existing(), pods.ready()), (5, 2));
        pods.begin(3);
        assert_eq!(pods.ready(), 2);
        pods.set(3, 4);
        assert_eq!((pods.existing(), pods.ready()), (4, 2));
        pods.begin(4);
        assert_eq!(pods.ready(), 4);
        pods.set(5, 1);
        assert_eq!((pods.existing(), pods.ready()), (1, 1));
    }
}
