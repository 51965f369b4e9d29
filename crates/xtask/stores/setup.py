"""Makes a bucket that tells a queue of its objects, and queues with dead letters. Prints the queues' addresses.

Run by `cargo xtask stores` with the boto3 that comes with moto, against moto.
"""

import json
import sys

import boto3

endpoint = sys.argv[1]
keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}
s3 = boto3.client("s3", endpoint_url=endpoint, **keys)
sqs = boto3.client("sqs", endpoint_url=endpoint, **keys)


def queue(name, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


dead, dead_arn = queue("dead")
redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 50})
live, live_arn = queue("live", RedrivePolicy=redrive)
storm, _ = queue("storm", RedrivePolicy=redrive)
road, road_arn = queue("hub", RedrivePolicy=redrive)
s3.create_bucket(Bucket="charts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})


def events(arn, prefix):
    """The events of what is made below a prefix."""
    return {
        "QueueArn": arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
    }


configurations = [events(live_arn, "live/"), events(road_arn, "hub/")]
s3.put_bucket_notification_configuration(
    Bucket="charts", NotificationConfiguration={"QueueConfigurations": configurations}
)
print(live, storm, road, dead)
