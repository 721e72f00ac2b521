//! What a user writes and reads in Kubernetes: the kinds, their schema and their conversion to the model.
