# confluent-kafka against the brokers of the first argument, with names that begin with the second.
# Prints a line for each step: ok or FAILED, its name and what was seen, parted by tabs.
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

brokers, prefix = sys.argv[1:3]
topic, group = prefix + "-topic", prefix + "-group"
base = {"bootstrap.servers": brokers}
COUNT = 2000
LIMIT = 20


def step(name):
    def run(body):
        try:
            print("ok", name, body(), sep="\t", flush=True)
        except Exception as error:  # every fault of a step is its result
            print("FAILED", name, repr(error).replace("\n", " "), sep="\t", flush=True)

    return run


def expect(what, expected, seen):
    if expected != seen:
        raise AssertionError(f"expected {what} {expected}, seen {seen}")
    return f"{what} {seen}"


def poll(consumers, count):
    records, end = [], time.monotonic() + LIMIT
    while len(records) < count and time.monotonic() < end:
        for consumer in consumers:
            for message in consumer.consume(500, 0.1):
                if message.error():
                    raise KafkaException(message.error())
                records.append(message)
    return records


def consumer(**settings):
    return Consumer({**base, "group.id": group, "auto.offset.reset": "earliest", **settings})


admin = AdminClient(base)


@step("create and list a topic")
def _():
    admin.create_topics([NewTopic(topic, num_partitions=3)])[topic].result(LIMIT)
    end = time.monotonic() + LIMIT
    while topic not in admin.list_topics(timeout=LIMIT).topics and time.monotonic() < end:
        time.sleep(0.1)
    return expect("partitions", 3, len(admin.list_topics(topic, LIMIT).topics[topic].partitions))


@step("produce idempotently, with keys and headers")
def _():
    failed = []
    producer = Producer({**base, "enable.idempotence": True, "compression.type": "lz4"})
    for n in range(COUNT):
        producer.produce(
            topic, key=f"k{n}", value=f"v{n}", headers=[("n", str(n)), ("n", None)],
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        producer.poll(0)
    expect("records left", 0, producer.flush(LIMIT))
    return expect("failed records", 0, len(failed)) + f" of {COUNT}"


@step("two members of a group share the partitions")
def _():
    members = [consumer(**{"enable.auto.commit": False}) for _ in range(2)]
    try:
        for member in members:
            member.subscribe([topic])
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and not all(len(m.assignment()) for m in members):
            for member in members:
                member.poll(0.1)
        shares = sorted(len(member.assignment()) for member in members)
        return expect("shares", [1, 2], shares)
    finally:
        for member in members:
            member.close()


@step("read as a group and commit")
def _():
    member = consumer(**{"enable.auto.commit": False})
    try:
        member.subscribe([topic])
        records = poll([member], COUNT)
        seen = sorted((r.key(), r.value(), tuple(r.headers())) for r in records)
        sent = sorted(
            (b"k%d" % n, b"v%d" % n, (("n", b"%d" % n), ("n", None))) for n in range(COUNT)
        )
        expect("records", len(sent), len(seen))
        expect("all keys, values and headers equal:", True, sent == seen)
        member.commit(asynchronous=False)
        parts = member.committed([TopicPartition(topic, p) for p in range(3)], timeout=LIMIT)
        return expect("committed", COUNT, sum(p.offset for p in parts))
    finally:
        member.close()


@step("describe and list the group")
def _():
    valid = admin.list_consumer_groups(request_timeout=LIMIT).result().valid
    expect("the group is listed:", True, group in [g.group_id for g in valid])
    described = admin.describe_consumer_groups([group], request_timeout=LIMIT)[group].result()
    return f"{described.state.name}, {len(described.members)} members"


@step("first and next offset, and an offset by time")
def _():
    member = consumer()
    try:
        ends = [member.get_watermark_offsets(TopicPartition(topic, p), LIMIT) for p in range(3)]
        expect("offsets", COUNT, sum(high - low for low, high in ends))
        found = member.offsets_for_times([TopicPartition(topic, 0, 1)], timeout=LIMIT)
        return expect("offset at the beginning of time", 0, found[0].offset)
    finally:
        member.close()


@step("a committed and an aborted transaction, read committed")
def _():
    producer = Producer({**base, "transactional.id": prefix + "-transaction"})
    producer.init_transactions(LIMIT)
    other = topic + "-transactions"
    admin.create_topics([NewTopic(other, num_partitions=1)])[other].result(LIMIT)
    for value, end in ((b"kept", producer.commit_transaction), (b"gone", producer.abort_transaction),
                       (b"last", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(other, value=value)
        producer.flush(LIMIT)
        end(LIMIT)
    reader = consumer(**{"group.id": group + "-transactions", "isolation.level": "read_committed"})
    try:
        reader.subscribe([other])
        seen = [record.value() for record in poll([reader], 2)]
        return expect("values", [b"kept", b"last"], seen)
    finally:
        reader.close()


@step("delete the group and the topic")
def _():
    admin.delete_consumer_groups([group], request_timeout=LIMIT)[group].result()
    admin.delete_topics([topic])[topic].result(LIMIT)
    end = time.monotonic() + LIMIT
    while topic in admin.list_topics(timeout=LIMIT).topics and time.monotonic() < end:
        time.sleep(0.1)
    return expect("the topic is listed:", False, topic in admin.list_topics(timeout=LIMIT).topics)
