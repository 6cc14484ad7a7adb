//! landfall-node.
