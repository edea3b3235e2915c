import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.compress.Compression;

/** Writes one message of each kind in each version: java -cp kafka-clients-4.1.0.jar Generate.java > messages.txt */
public class Generate {
    static final Uuid ID = new Uuid(0x0102030405060708L, 0x090a0b0c0d0e0f10L);

    public static void main(String[] args) {
        MemoryRecords records =
            MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(1_700_000_000_000L, "k".getBytes(), "v".getBytes()));

        for (short v = 0; v <= 4; v++) {
            print("ApiVersionsRequest", v, new ApiVersionsRequestData().setClientSoftwareName("ekafka").setClientSoftwareVersion("1.2.3"));
            ApiVersionsResponseData.ApiVersionCollection keys = new ApiVersionsResponseData.ApiVersionCollection();
            keys.add(new ApiVersionsResponseData.ApiVersion().setApiKey((short) 1).setMinVersion((short) 4).setMaxVersion((short) 18));
            keys.add(new ApiVersionsResponseData.ApiVersion().setApiKey((short) 999).setMinVersion((short) 0).setMaxVersion((short) 2));
            ApiVersionsResponseData r = new ApiVersionsResponseData().setApiKeys(keys).setThrottleTimeMs(7);
            if (v >= 3) {
                ApiVersionsResponseData.SupportedFeatureKeyCollection supported = new ApiVersionsResponseData.SupportedFeatureKeyCollection();
                supported.add(new ApiVersionsResponseData.SupportedFeatureKey().setName("metadata.version").setMinVersion((short) 1).setMaxVersion((short) 27));
                ApiVersionsResponseData.FinalizedFeatureKeyCollection on = new ApiVersionsResponseData.FinalizedFeatureKeyCollection();
                on.add(new ApiVersionsResponseData.FinalizedFeatureKey().setName("metadata.version").setMinVersionLevel((short) 26).setMaxVersionLevel((short) 27));
                r.setSupportedFeatures(supported).setFinalizedFeatures(on).setFinalizedFeaturesEpoch(42).setZkMigrationReady(true);
            }
            print("ApiVersionsResponse", v, r);
        }

        for (short v = 0; v <= 1; v++) {
            print("SaslHandshakeRequest", v, new SaslHandshakeRequestData().setMechanism("SCRAM-SHA-256"));
            print("SaslHandshakeResponse", v, new SaslHandshakeResponseData().setErrorCode((short) 33).setMechanisms(List.of("PLAIN", "SCRAM-SHA-512")));
        }
        for (short v = 0; v <= 2; v++) {
            print("SaslAuthenticateRequest", v, new SaslAuthenticateRequestData().setAuthBytes("token".getBytes()));
            print("SaslAuthenticateResponse", v, new SaslAuthenticateResponseData().setErrorCode((short) 58).setErrorMessage("no").setAuthBytes("answer".getBytes()).setSessionLifetimeMs(v >= 1 ? 3_600_000 : 0));
        }

        for (short v = 0; v <= 13; v++) {
            MetadataRequestData.MetadataRequestTopic topic = new MetadataRequestData.MetadataRequestTopic().setName("orders");
            if (v >= 10) topic.setTopicId(ID);
            print("MetadataRequest", v, new MetadataRequestData().setTopics(List.of(topic)).setAllowAutoTopicCreation(v < 4)
                .setIncludeClusterAuthorizedOperations(v >= 8 && v <= 10).setIncludeTopicAuthorizedOperations(v >= 8));
            MetadataResponseData.MetadataResponseBrokerCollection brokers = new MetadataResponseData.MetadataResponseBrokerCollection();
            brokers.add(new MetadataResponseData.MetadataResponseBroker().setNodeId(1).setHost("kafka-1").setPort(9092).setRack(v >= 1 ? "a" : null));
            brokers.add(new MetadataResponseData.MetadataResponseBroker().setNodeId(2).setHost("kafka-2").setPort(9093));
            MetadataResponseData.MetadataResponseTopicCollection topics = new MetadataResponseData.MetadataResponseTopicCollection();
            topics.add(new MetadataResponseData.MetadataResponseTopic().setName("orders").setTopicId(v >= 10 ? ID : Uuid.ZERO_UUID).setIsInternal(v >= 1)
                .setTopicAuthorizedOperations(v >= 8 ? 3544 : Integer.MIN_VALUE)
                .setPartitions(List.of(
                    new MetadataResponseData.MetadataResponsePartition().setPartitionIndex(0).setLeaderId(1).setLeaderEpoch(v >= 7 ? 5 : -1)
                        .setReplicaNodes(List.of(1, 2)).setIsrNodes(List.of(1)).setOfflineReplicas(v >= 5 ? List.of(2) : List.of()),
                    new MetadataResponseData.MetadataResponsePartition().setErrorCode((short) 5).setPartitionIndex(1).setLeaderId(-1)
                        .setReplicaNodes(List.of(2)).setIsrNodes(List.of()).setOfflineReplicas(List.of()))));
            if (v >= 12) topics.add(new MetadataResponseData.MetadataResponseTopic().setErrorCode((short) 100).setName(null).setTopicId(new Uuid(9, 9)));
            MetadataResponseData r = new MetadataResponseData().setThrottleTimeMs(3).setBrokers(brokers).setClusterId("cluster").setControllerId(2).setTopics(topics);
            if (v >= 8 && v <= 10) r.setClusterAuthorizedOperations(264);
            if (v >= 13) r.setErrorCode((short) 129);
            print("MetadataResponse", v, r);
        }

        for (short v = 3; v <= 13; v++) {
            ProduceRequestData.TopicProduceDataCollection topics = new ProduceRequestData.TopicProduceDataCollection();
            ProduceRequestData.TopicProduceData topic = new ProduceRequestData.TopicProduceData();
            if (v >= 13) topic.setTopicId(ID); else topic.setName("orders");
            topics.add(topic.setPartitionData(List.of(
                new ProduceRequestData.PartitionProduceData().setIndex(3).setRecords(records))));
            print("ProduceRequest", v, new ProduceRequestData().setTransactionalId("tx").setAcks((short) -1).setTimeoutMs(30_000).setTopicData(topics));

            ProduceResponseData.PartitionProduceResponse fine = new ProduceResponseData.PartitionProduceResponse().setIndex(3).setBaseOffset(77).setLogAppendTimeMs(1_700_000_000_000L).setLogStartOffset(v >= 5 ? 10 : -1);
            ProduceResponseData.PartitionProduceResponse refused = new ProduceResponseData.PartitionProduceResponse().setIndex(4).setErrorCode((short) 6).setBaseOffset(-1);
            if (v >= 8) refused.setErrorMessage("moved").setRecordErrors(List.of(new ProduceResponseData.BatchIndexAndErrorMessage().setBatchIndex(2).setBatchIndexErrorMessage("bad")));
            if (v >= 10) refused.setCurrentLeader(new ProduceResponseData.LeaderIdAndEpoch().setLeaderId(2).setLeaderEpoch(6));
            ProduceResponseData.TopicProduceResponseCollection responses = new ProduceResponseData.TopicProduceResponseCollection();
            ProduceResponseData.TopicProduceResponse answer = new ProduceResponseData.TopicProduceResponse();
            if (v >= 13) answer.setTopicId(ID); else answer.setName("orders");
            responses.add(answer.setPartitionResponses(List.of(fine, refused)));
            ProduceResponseData r = new ProduceResponseData().setResponses(responses).setThrottleTimeMs(9);
            if (v >= 10) {
                ProduceResponseData.NodeEndpointCollection nodes = new ProduceResponseData.NodeEndpointCollection();
                nodes.add(new ProduceResponseData.NodeEndpoint().setNodeId(2).setHost("kafka-2").setPort(9093).setRack("b"));
                r.setNodeEndpoints(nodes);
            }
            print("ProduceResponse", v, r);
        }

        for (short v = 4; v <= 18; v++) {
            FetchRequestData.FetchPartition partition = new FetchRequestData.FetchPartition().setPartition(3).setFetchOffset(70).setPartitionMaxBytes(1 << 20);
            if (v >= 9) partition.setCurrentLeaderEpoch(5);
            if (v >= 12) partition.setLastFetchedEpoch(4);
            FetchRequestData.FetchTopic topic = new FetchRequestData.FetchTopic().setPartitions(List.of(partition));
            FetchRequestData.ForgottenTopic forgotten = new FetchRequestData.ForgottenTopic().setPartitions(List.of(1, 2));
            if (v >= 13) { topic.setTopicId(ID); forgotten.setTopicId(new Uuid(9, 9)); } else { topic.setTopic("orders"); forgotten.setTopic("old"); }
            FetchRequestData request = new FetchRequestData().setMaxWaitMs(500).setMinBytes(1).setMaxBytes(50 << 20).setIsolationLevel((byte) 1).setTopics(List.of(topic));
            if (v >= 7) request.setSessionId(11).setSessionEpoch(12).setForgottenTopicsData(List.of(forgotten));
            if (v >= 11) request.setRackId("a");
            print("FetchRequest", v, request);

            FetchResponseData.PartitionData data = new FetchResponseData.PartitionData().setPartitionIndex(3).setHighWatermark(100).setLastStableOffset(90)
                .setAbortedTransactions(List.of(new FetchResponseData.AbortedTransaction().setProducerId(1000).setFirstOffset(71))).setRecords(records);
            FetchResponseData.PartitionData moved = new FetchResponseData.PartitionData().setPartitionIndex(4).setErrorCode((short) 74).setHighWatermark(-1).setAbortedTransactions(null).setRecords(null);
            if (v >= 5) data.setLogStartOffset(10);
            if (v >= 11) data.setPreferredReadReplica(2);
            if (v >= 12) {
                data.setDivergingEpoch(new FetchResponseData.EpochEndOffset().setEpoch(4).setEndOffset(69));
                moved.setCurrentLeader(new FetchResponseData.LeaderIdAndEpoch().setLeaderId(2).setLeaderEpoch(6));
            }
            FetchResponseData.FetchableTopicResponse answer = new FetchResponseData.FetchableTopicResponse().setPartitions(List.of(data, moved));
            if (v >= 13) answer.setTopicId(ID); else answer.setTopic("orders");
            FetchResponseData r = new FetchResponseData().setThrottleTimeMs(9).setResponses(List.of(answer));
            if (v >= 7) r.setSessionId(11).setErrorCode((short) 71);
            if (v >= 16) {
                FetchResponseData.NodeEndpointCollection nodes = new FetchResponseData.NodeEndpointCollection();
                nodes.add(new FetchResponseData.NodeEndpoint().setNodeId(2).setHost("kafka-2").setPort(9093));
                r.setNodeEndpoints(nodes);
            }
            print("FetchResponse", v, r);
        }
    }

    static void print(String name, short version, ApiMessage message) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        System.out.println(name + " " + version + " " + HexFormat.of().formatHex(buffer.array()));
    }
}
