"""What is done to a cloud while it is killed: short lives of a few instances, each step a request that must be kept."""

import os
import random
import signal
import time

import machine
from client import Refused
from cloud import Wrong, wait_for


class Scenario:
    """One life. The same seed makes the same requests."""

    def __init__(self, cloud, seed):
        self.cloud, self.dice, self.count = cloud, random.Random(seed), 0
        self.prefix = f"{seed:x}"

    def run(self, kind):
        getattr(self, kind)()

    def op(self):
        self.count += 1
        return f"{self.prefix}-{self.count}"

    # Requests

    def launch(self, count=1, group=None, volume=False):
        op, cloud = self.op(), self.cloud
        parameters = {"SecurityGroupId_1": group} if group else {}
        if volume:
            parameters |= {"BlockDeviceMapping_1_DeviceName": "/dev/sdf", "BlockDeviceMapping_1_Ebs_VolumeSize": 1}
        answer = cloud.call(
            "RunInstances",
            ImageId=cloud.image,
            InstanceType="t3.nano",
            MinCount=count,
            MaxCount=count,
            ClientToken=op,
            TagSpecification_1_ResourceType="instance",
            TagSpecification_1_Tag_1_Key="op",
            TagSpecification_1_Tag_1_Value=op,
            **parameters,
        )
        ids = [element.text for element in answer.iterfind(".//instanceId")]
        if len(ids) != count:
            raise Wrong(f"{count} instances were asked for, and {ids} answered")
        cloud.instances[op] = {"ids": ids, "state": "running"}
        cloud.ever.update(ids)
        return op

    def power(self, op, action, state, may=(), **parameters):
        cloud = self.cloud
        ids = {f"InstanceId_{n}": instance for n, instance in enumerate(cloud.instances[op]["ids"], 1)}
        cloud.busy = True
        # A state that isn't acknowledged yet is checked by nobody.
        before, cloud.instances[op]["state"] = cloud.instances[op]["state"], None
        cloud.survivors = {}
        try:
            cloud.call(action, may, **ids, **parameters)
        except Refused:
            cloud.instances[op]["state"] = before
            raise
        cloud.instances[op]["state"] = state

    def at_rest(self):
        """Waits until all is as it was asked for."""
        self.cloud.settled()
        self.cloud.check_wishes()
        self.cloud.busy = False

    def stop(self, op, force=True):
        self.power(op, "StopInstances", "stopped", **({"Force": "true"} if force else {}))

    def start(self, op):
        self.power(op, "StartInstances", "running")

    def reboot(self, op):
        self.power(op, "RebootInstances", "running")

    def terminate(self, op, gently=False):
        self.power(op, "TerminateInstances", "terminated", **({} if gently else {"Force": "true"}))

    def group(self):
        name, cloud = self.op(), self.cloud
        cloud.groups[name] = {"id": None}
        answer = cloud.call("CreateSecurityGroup", ("InvalidGroup.Duplicate",), GroupName=name, GroupDescription="torture")
        ids = cloud.ids("DescribeSecurityGroups", ".//securityGroupInfo/item/groupId", Filter_1_Name="group-name", Filter_1_Value_1=name)
        if len(ids) != 1 or (answer is not None and answer.findtext("groupId") != ids[0]):
            raise Wrong(f"the group {name} was made and {ids} are there")
        cloud.groups[name]["id"] = ids[0]
        port = self.dice.randrange(1, 60000)
        cloud.call(
            "AuthorizeSecurityGroupIngress",
            ("InvalidPermission.Duplicate",),
            GroupId=ids[0],
            IpPermissions_1_IpProtocol="tcp",
            IpPermissions_1_FromPort=port,
            IpPermissions_1_ToPort=port,
            IpPermissions_1_IpRanges_1_CidrIp="0.0.0.0/0",
        )
        return name

    def delete_group(self, name):
        cloud = self.cloud
        cloud.groups[name]["going"] = True

        def deleted():
            try:
                cloud.call("DeleteSecurityGroup", ("InvalidGroup.NotFound",), GroupId=cloud.groups[name]["id"])
                return True
            except Refused as refused:
                if refused.code == "DependencyViolation":
                    return False
                raise

        wait_for(f"group {name} stays in use", deleted, pause=0.2)
        del cloud.groups[name]

    def address(self):
        op, cloud = self.op(), self.cloud
        cloud.addresses[op] = {"id": None}
        tags = {"TagSpecification_1_ResourceType": "elastic-ip", "TagSpecification_1_Tag_1_Key": "op"}
        crashes, answer = cloud.crashes, None
        # An allocation has no client token: what a death left undecided is looked up by its tag before it is repeated.
        found = lambda: cloud.ids("DescribeAddresses", ".//addressesSet/item/allocationId", Filter_1_Name="tag:op", Filter_1_Value_1=op)
        answer = cloud.call("AllocateAddress", Domain="vpc", TagSpecification_1_Tag_1_Value=op, **tags).findtext("allocationId")
        ids = found()
        if answer not in ids or (len(ids) > 1 and cloud.crashes == crashes) or len(ids) > 2:
            raise Wrong(f"one address was allocated and {ids} are there")
        for extra in ids:
            if extra != answer:
                cloud.call("ReleaseAddress", ("InvalidAllocationID.NotFound",), AllocationId=extra)
        cloud.addresses[op]["id"] = answer
        return op

    def associate(self, op, instance):
        address = self.cloud.addresses[op]
        address["to"] = None
        self.cloud.call("AssociateAddress", AllocationId=address["id"], InstanceId=instance)
        address["to"] = instance

    def release(self, op):
        cloud, address = self.cloud, self.cloud.addresses[op]
        item = cloud.call("DescribeAddresses", AllocationId_1=address["id"]).find(".//addressesSet/item")
        association = item.findtext("associationId")
        address["to"] = None
        if association:
            cloud.call("DisassociateAddress", ("InvalidAssociationID.NotFound",), AssociationId=association)
        address["going"] = True
        cloud.call("ReleaseAddress", ("InvalidAllocationID.NotFound",), AllocationId=address["id"])
        del cloud.addresses[op]

    def clean(self):
        """Takes everything away again."""
        cloud = self.cloud
        for op, wish in list(cloud.instances.items()):
            if wish["state"] != "terminated":
                self.terminate(op)
        for op in list(cloud.addresses):
            # The association goes with the instance.
            cloud.addresses[op]["to"] = None
            self.release(op)
        for name in list(cloud.groups):
            self.delete_group(name)

    # Lives

    def first(self):
        """The first start of all: nothing is there yet but the images."""
        self.launch()

    def brief(self):
        self.launch()

    def stopped(self):
        op = self.launch()
        self.at_rest()
        self.stop(op)
        self.at_rest()
        self.start(op)
        self.at_rest()

    def rebooted(self):
        op = self.launch()
        self.at_rest()
        self.reboot(op)
        self.at_rest()
        self.reboot(op)

    def crowd(self):
        group = self.group()
        op = self.launch(2, self.cloud.groups[group]["id"], volume=True)
        address = self.address()
        self.at_rest()
        self.associate(address, self.cloud.instances[op]["ids"][0])
        other = self.launch()
        if self.dice.random() < 0.5:
            self.at_rest()
        self.terminate(other)
        self.release(address)

    def hasty(self):
        """Takes nothing's end for its beginning: each request comes while the one before is under way."""
        op = self.launch()
        time.sleep(self.dice.random())
        self.stop(op)
        self.at_rest()
        self.start(op)
        time.sleep(self.dice.random())

    def polite(self):
        """The power button, of a guest that may not hear it yet."""
        op = self.launch()
        self.at_rest()
        self.terminate(op, gently=True)

    def booted(self):
        """Until the guest's system runs and is asked to stop."""
        op = self.launch()
        self.at_rest()
        instance = self.cloud.instances[op]["ids"][0]

        def ok():
            self.cloud.survive()
            answer = self.cloud.call("DescribeInstanceStatus", InstanceId_1=instance)
            return answer.findtext(".//instanceStatus/status") == "ok"

        wait_for("the guest doesn't come up", ok, pause=0.3)
        self.stop(op, force=False)
        self.at_rest()

    def bereaved(self):
        """A guest's process is killed."""
        op = self.launch()
        self.at_rest()
        time.sleep(self.dice.random())
        self.cloud.survivors = {}
        self.cloud.instances[op]["state"] = "stopped"
        for pid, (instance, _) in machine.guests().items():
            if instance in self.cloud.instances[op]["ids"]:
                os.kill(pid, signal.SIGKILL)
        wait_for(
            "nobody notices that a guest is dead",
            lambda: self.cloud.states()[self.cloud.instances[op]["ids"][0]][0] == "stopped",
        )
        self.at_rest()
        if self.dice.random() < 0.5:
            self.start(op)
            self.at_rest()

    def speechless(self):
        """The metadata process is killed, and must come back by itself."""
        self.launch()
        if self.dice.random() < 0.7:
            self.at_rest()
        time.sleep(self.dice.random())
        for pid in machine.metadata_processes():
            os.kill(pid, signal.SIGKILL)
        self.at_rest()
        wait_for("the metadata process doesn't come back", machine.metadata_processes)


KINDS = ["first", "brief", "stopped", "rebooted", "crowd", "hasty", "polite", "booted", "bereaved", "speechless"]
