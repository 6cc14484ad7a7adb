//! landfall-api.
