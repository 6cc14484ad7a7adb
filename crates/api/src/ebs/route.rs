//! Which of EBS's operations a request means. Source: botocore's model.

use landfall_wire::Route;

const BLOCK: &str = "/snapshots/{snapshotId}/blocks/{blockIndex}";

/// The routes. All are told by name, so that whoever calls what isn't there reads what that was.
pub(crate) const ROUTES: &[Route] = &[
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
