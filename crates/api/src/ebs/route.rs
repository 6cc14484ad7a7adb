//! Which of EBS's operations a request means. Source: botocore's model.

use landfall_wire::{DecodeError, Request, RequestParts, Route, decode_rest_json};

const BLOCK: &str = "/snapshots/{snapshotId}/blocks/{blockIndex}";

/// All are told by name, so that whoever calls what isn't there reads what that was.
const ROUTES: &[Route] = &[
    there("ListSnapshotBlocks", "/snapshots/{snapshotId}/blocks"),
    there("ListChangedBlocks", "/snapshots/{secondSnapshotId}/changedblocks"),
    there("GetSnapshotBlock", BLOCK),
    Route { action: "PutSnapshotBlock", method: "PUT", path: BLOCK, is_read: false, lists: &[] },
    Route { action: "StartSnapshot", method: "POST", path: "/snapshots", is_read: false, lists: &[] },
    Route {
        action: "CompleteSnapshot",
        method: "POST",
        path: "/snapshots/completion/{snapshotId}",
        is_read: false,
        lists: &[],
    },
];

const fn there(action: &'static str, path: &'static str) -> Route {
    Route { action, method: "GET", path, is_read: true, lists: &[] }
}

/// Reads a request.
pub(crate) fn decode(parts: &RequestParts<'_>, body: &[u8]) -> Result<Request, DecodeError> {
    decode_rest_json(parts, body, ROUTES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_route() {
        let known: BTreeSet<_> = include_str!("../../../../docs/aws-actions/ebs.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(ROUTES.iter().map(|route| route.action).collect::<BTreeSet<_>>(), known);
        for operation in super::super::OPERATIONS {
            let route = ROUTES.iter().find(|route| route.action == operation.action.name);
            assert!(route.is_some_and(|route| route.is_read), "{}", operation.action.name);
        }
    }
}
