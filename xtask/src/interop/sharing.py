# A member of a group by confluent-kafka: brokers, topic, group and strategy are the arguments. Prints the partition and
# the offset of each record; leaves in order when it is asked to terminate.
import signal
import sys

from confluent_kafka import Consumer

brokers, topic, group, strategy = sys.argv[1:5]
going = True


def stop(*_):
    global going
    going = False


signal.signal(signal.SIGTERM, stop)
consumer = Consumer(
    {
        "bootstrap.servers": brokers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": strategy,
    }
)
consumer.subscribe([topic])
while going:
    message = consumer.poll(0.2)
    if message is not None and message.error() is None:
        print(message.partition(), message.offset(), flush=True)
consumer.close()
