//! landfall-testkit.
