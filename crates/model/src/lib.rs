//! landfall-model.
