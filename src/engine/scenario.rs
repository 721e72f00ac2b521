//! Values for tests, as the whole house uses them.

pub(crate) use crate::model::scenario::*;
