//! landfall-policy.
