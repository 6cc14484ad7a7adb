//! landfall-state.
