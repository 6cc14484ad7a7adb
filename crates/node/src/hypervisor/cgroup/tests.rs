//! The choice of groups from texts, and what is written, in folders that stand for the kernel's.

use super::*;

const LIMITS: Limits = Limits { memory_bytes: 320 << 20, cpu_percent: 150, threads: 96 };

fn plan(mounts: &str, own: &str) -> Groups {
    Groups::plan(mounts, own, "landfall", |_| "cpuset cpu io memory pids".into())
}

#[test]
fn version_one_has_a_folder_per_controller() {
    let mounts = "tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0\n\
        cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
        cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
        cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
    let groups = plan(mounts, "4:memory:/x\n0::/\n");
    let folders = vec![
        ("cpu", PathBuf::from("/sys/fs/cgroup/cpu,cpuacct/landfall")),
        ("memory", PathBuf::from("/sys/fs/cgroup/memory/landfall")),
    ];
    assert_eq!(groups, Groups::V1 { folders });
    assert_eq!(groups.missing(), ["pids"]);
    assert_eq!(plan("", "").missing(), ["cpu", "memory", "pids"]);
}

#[test]
fn version_two_is_used_inside_a_delegated_service_and_else_beside_the_others() {
    let mounts = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
    let folder = |own: &str| match plan(mounts, own) {
        Groups::V2 { base, folder, delegated, .. } => (base, folder, delegated),
        other => panic!("{other:?}"),
    };
    let service = PathBuf::from("/sys/fs/cgroup/system.slice/landfall.service");
    let expected = (service.clone(), service.join("guests"), true);
    assert_eq!(folder("0::/system.slice/landfall.service\n"), expected);
    assert_eq!(folder("0::/system.slice/landfall.service/agent\n"), expected);
    let expected = (PathBuf::from("/sys/fs/cgroup"), PathBuf::from("/sys/fs/cgroup/landfall"), false);
    assert_eq!(folder("0::/user.slice/user-0.slice/session-3.scope\n"), expected);
    assert_eq!(folder("0::/\n"), expected);
    assert!(plan(mounts, "0::/\n").missing().is_empty());
}

/// A folder in which the files are there that the kernel would make.
fn kernel_like(folder: &Path, files: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    for file in files {
        fs::write(folder.join(file), "").unwrap();
    }
}

fn read(path: PathBuf) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_delegated_group_is_left_before_it_is_divided() {
    let root = tempfile::tempdir().unwrap();
    let base = root.path().join("landfall.service");
    kernel_like(&base, &["cgroup.subtree_control"]);
    fs::write(base.join("cgroup.procs"), "41\n").unwrap();
    kernel_like(&base.join("agent"), &["cgroup.procs"]);
    let folder = base.join("guests");
    kernel_like(&folder, &["cgroup.subtree_control"]);
    let group = folder.join("i-1");
    kernel_like(&group, &["cgroup.procs", "cpu.max", "memory.max", "memory.oom.group", "pids.max"]);
    let controllers = ["cpu", "memory", "pids"].into();
    let groups = Groups::V2 { base: base.clone(), folder, delegated: true, controllers };
    assert_eq!(groups.ensure("i-1", LIMITS).unwrap(), vec![group.clone()]);
    assert_eq!(read(base.join("agent/cgroup.procs")), "41");
    assert_eq!(read(base.join("cgroup.subtree_control")), "+cpu +memory +pids");
    assert_eq!(read(group.join("cpu.max")), "150000 100000");
    assert_eq!(read(group.join("memory.max")), "335544320");
    assert_eq!(read(group.join("pids.max")), "96");
}

#[test]
fn version_one_is_written_and_a_bound_that_the_kernel_lacks_is_passed_over() {
    let root = tempfile::tempdir().unwrap();
    let folders: Vec<_> = CONTROLLERS.iter().map(|name| (*name, root.path().join(name))).collect();
    for (controller, files) in [
        ("cpu", vec!["cpu.cfs_period_us", "cpu.cfs_quota_us"]),
        ("memory", vec!["memory.limit_in_bytes"]),
        ("pids", vec![]),
    ] {
        kernel_like(&root.path().join(controller).join("i-1"), &files);
    }
    let made = Groups::V1 { folders }.ensure("i-1", LIMITS).unwrap();
    assert_eq!(made.len(), 3);
    assert_eq!(read(made[0].join("cpu.cfs_quota_us")), "150000");
    assert_eq!(read(made[1].join("memory.limit_in_bytes")), "335544320");
}

#[test]
fn members_and_ends_are_read() {
    let root = tempfile::tempdir().unwrap();
    let groups = [root.path().join("a"), root.path().join("b"), root.path().join("none")];
    for group in &groups[..2] {
        kernel_like(group, &[]);
    }
    fs::write(groups[0].join("cgroup.procs"), "7\n8\n").unwrap();
    fs::write(groups[1].join("cgroup.procs"), "8\n9\nx\n").unwrap();
    assert_eq!(members(&groups), [7, 8, 9].into());
    fs::write(groups[0].join("memory.events"), "low 0\noom 1\noom_kill 0\noom_group_kill 0\n").unwrap();
    assert!(!ran_out_of_memory(&groups));
    fs::write(groups[1].join("memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n").unwrap();
    assert!(ran_out_of_memory(&groups));
    remove(&groups[2..]).unwrap();
}
