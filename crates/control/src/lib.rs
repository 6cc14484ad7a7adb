//! landfall-control.
