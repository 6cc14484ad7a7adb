//! landfall-cloud.
