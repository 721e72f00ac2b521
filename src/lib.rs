//! bizops.
