//! landfall-wire.
