package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

var segmentio = map[string]func(line){
	"produce": segmentioProduce, "consume": segmentioConsume, "latency": segmentioLatency,
	"end-to-end": segmentioEndToEnd, "start": segmentioStart, "receive": segmentioReceive,
	"member": segmentioMember,
}

// inFlight is how many records may wait for their acknowledgement; this client has no such limit of its own.
const inFlight = 200_000

func segmentioWriter(l line) *kafka.Writer {
	writer := &kafka.Writer{
		Addr: kafka.TCP(strings.Split(l.brokers, ",")...), Topic: l.topic, RequiredAcks: kafka.RequireAll,
	}
	if l.keys > 0 {
		writer.Balancer = &kafka.Murmur2Balancer{}
	}
	if !l.defaults {
		writer.BatchBytes = 1_000_000
		writer.Compression = segmentioCodec(l.codec)
	}
	return writer
}

func segmentioCodec(name string) kafka.Compression {
	switch name {
	case "none":
		return 0
	case "gzip":
		return kafka.Gzip
	case "snappy":
		return kafka.Snappy
	case "lz4":
		return kafka.Lz4
	case "zstd":
		return kafka.Zstd
	}
	log.Fatalf("unknown codec %s", name)
	return 0
}

func segmentioProduce(l line) {
	writer := segmentioWriter(l)
	calls := l.api == "calls"
	if !l.defaults {
		// Bigger than about 10,000 makes it allocate so many messages per batch.
		writer.BatchSize, writer.BatchTimeout = 10_000, 5*time.Millisecond
	}
	ctx := context.Background()
	check(writer.WriteMessages(ctx, kafka.Message{Value: []byte("warm-up")}))
	var acknowledged atomic.Int64
	if !calls {
		writer.Async = true
		writer.Completion = func(messages []kafka.Message, err error) {
			check(err)
			acknowledged.Add(int64(len(messages)))
		}
	}
	values, keys := newPayload(l.size), l.allKeys()
	m := startMeter()
	for first := 0; first < l.records; first += slab {
		messages := make([]kafka.Message, min(slab, l.records-first))
		for i := range messages {
			messages[i].Value = values.value(first + i)
			if len(keys) > 0 {
				messages[i].Key = keys[(first+i)%len(keys)]
			}
		}
		for !calls && int64(first)-acknowledged.Load() > inFlight {
			time.Sleep(200 * time.Microsecond)
		}
		begun := time.Now()
		check(writer.WriteMessages(ctx, messages...))
		if calls {
			m.note(time.Since(begun))
			acknowledged.Add(int64(len(messages)))
		}
	}
	check(writer.Close())
	m.finish("kafka-go", int(acknowledged.Load()), l.records*l.size, 1)
}

func segmentioReader(l line, partition int) *kafka.Reader {
	config := kafka.ReaderConfig{
		Brokers: strings.Split(l.brokers, ","), Topic: l.topic, MaxBytes: 1 << 20, StartOffset: kafka.FirstOffset,
	}
	if l.group == "" {
		config.Partition = partition
	} else {
		config.GroupID = l.group
		config.CommitInterval = time.Second
	}
	return kafka.NewReader(config)
}

func segmentioConsume(l line) {
	m := startMeter()
	var records, bytes, touched atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	readers := l.partitions
	if l.group != "" {
		readers = 1
	}
	var done sync.WaitGroup
	for partition := range readers {
		reader := segmentioReader(l, partition)
		done.Go(func() {
			for {
				message, err := reader.ReadMessage(ctx)
				if ctx.Err() != nil {
					return
				}
				check(err)
				bytes.Add(int64(len(message.Value)))
				touched.Add(int64(touch(message.Key) + touch(message.Value)))
				if records.Add(1) == int64(l.records) {
					cancel()
					return
				}
			}
		})
	}
	done.Wait()
	sink = int(touched.Load())
	m.finish("kafka-go", int(records.Load()), int(bytes.Load()), 0)
}

func segmentioLatency(l line) {
	writer := segmentioWriter(l)
	if !l.defaults {
		writer.BatchSize = 1
	}
	values := newPayload(l.size)
	write := func(number int) {
		check(writer.WriteMessages(context.Background(), kafka.Message{Value: values.value(number)}))
	}
	before := warmUp
	if l.defaults {
		// Each takes a second.
		before = 1
	}
	for number := range before {
		write(number)
	}
	m := startMeter()
	for number := range l.records {
		begun := time.Now()
		write(number)
		m.note(time.Since(begun))
	}
	m.finish("kafka-go", l.records, l.records*l.size, before)
}

func segmentioEndToEnd(l line) {
	writer := segmentioWriter(l)
	writer.BatchSize = 1
	received := make(chan time.Time, 16)
	for partition := range l.partitions {
		reader := segmentioReader(l, partition)
		go func() {
			for {
				_, err := reader.ReadMessage(context.Background())
				check(err)
				received <- time.Now()
			}
		}()
	}
	values := newPayload(l.size)
	timed := func(number int) time.Duration {
		begun := time.Now()
		check(writer.WriteMessages(context.Background(), kafka.Message{Value: values.value(number)}))
		return (<-received).Sub(begun)
	}
	for number := range warmUp {
		timed(number)
	}
	m := startMeter()
	for number := range l.records {
		m.note(timed(number))
	}
	m.finish("kafka-go", l.records, l.records*l.size, warmUp)
}

func segmentioStart(l line) {
	_, err := segmentioReader(l, 0).ReadMessage(context.Background())
	check(err)
	fmt.Println("first")
}

func segmentioReceive(l line) {
	ages := make(chan time.Duration, 16)
	for partition := range l.partitions {
		reader := segmentioReader(l, partition)
		go func() {
			for {
				message, err := reader.ReadMessage(context.Background())
				check(err)
				ages <- age(message.Value)
			}
		}()
	}
	m := startMeter()
	for number := range beforeStamps + l.records {
		if took := <-ages; number >= beforeStamps {
			m.note(took)
		}
	}
	m.finish("kafka-go", l.records, l.records*l.size, 0)
}

// segmentioMember shares by range, eagerly: it has no other way.
func segmentioMember(l line) {
	reader, d := segmentioReader(l, 0), openDiary(l)
	for {
		message, err := reader.ReadMessage(context.Background())
		check(err)
		d.note(message.Partition, message.Value)
	}
}
