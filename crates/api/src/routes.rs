//! Which operation a request of REST-JSON means: each service that speaks it has a table of methods and paths.

use landfall_wire::Route;

use crate::{dlm, ebs, efs};

/// The routes of a service that speaks REST-JSON: none of any other.
pub(crate) fn of(service: &str) -> &'static [Route] {
    match service {
        "dlm" => dlm::route::ROUTES,
        "ebs" => ebs::route::ROUTES,
        efs::SERVICE => efs::route::ROUTES,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_route() {
        let all = [
            ("dlm", include_str!("../../../docs/aws-actions/dlm.txt"), dlm::OPERATIONS),
            ("ebs", include_str!("../../../docs/aws-actions/ebs.txt"), ebs::OPERATIONS),
            (efs::SERVICE, include_str!("../../../docs/aws-actions/efs.txt"), efs::OPERATIONS),
        ];
        for (service, known, operations) in all {
            let known: BTreeSet<_> = known.lines().filter(|line| !line.starts_with('#')).collect();
            let routes = of(service);
            assert_eq!(routes.iter().map(|route| route.action).collect::<BTreeSet<_>>(), known);
            for operation in operations {
                let route = routes.iter().find(|route| route.action == operation.action.name);
                assert!(route.is_some_and(|route| route.is_read), "{}", operation.action.name);
            }
            // What isn't there is told by its name alone.
            assert_eq!(routes.iter().filter(|route| route.is_read).count(), operations.len(), "{service}");
        }
    }
}
