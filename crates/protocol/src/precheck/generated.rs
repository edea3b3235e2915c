//! Written by `cargo xtask schema` from the schemas of Kafka; not to be edited.
//! schemas 6c6a34845a946ed9
//! table eca8eb0479f069a7

use super::table::*;

pub(super) static MESSAGES: &[Layout] = &[
    request(0, 3, 13, 9, 2), // ProduceRequest
    response(0, 3, 13, 9, 8), // ProduceResponse
    request(1, 4, 18, 12, 13), // FetchRequest
    response(1, 4, 18, 12, 21), // FetchResponse
    request(2, 1, 10, 6, 24), // ListOffsetsRequest
    response(2, 1, 10, 6, 27), // ListOffsetsResponse
    request(3, 0, 13, 9, 29), // MetadataRequest
    response(3, 0, 13, 9, 33), // MetadataResponse
    request(8, 2, 10, 8, 36), // OffsetCommitRequest
    response(8, 2, 10, 8, 39), // OffsetCommitResponse
    request(9, 1, 10, 6, 43), // OffsetFetchRequest
    response(9, 1, 10, 6, 49), // OffsetFetchResponse
    request(10, 0, 6, 3, 50), // FindCoordinatorRequest
    response(10, 0, 6, 3, 52), // FindCoordinatorResponse
    request(11, 0, 9, 6, 54), // JoinGroupRequest
    response(11, 0, 9, 6, 56), // JoinGroupResponse
    request(12, 0, 4, 4, 57), // HeartbeatRequest
    response(12, 0, 4, 4, 58), // HeartbeatResponse
    request(13, 0, 5, 4, 60), // LeaveGroupRequest
    response(13, 0, 5, 4, 62), // LeaveGroupResponse
    request(14, 0, 5, 4, 64), // SyncGroupRequest
    response(14, 0, 5, 4, 65), // SyncGroupResponse
    request(15, 0, 6, 5, 66), // DescribeGroupsRequest
    response(15, 0, 6, 5, 69), // DescribeGroupsResponse
    request(16, 0, 5, 3, 70), // ListGroupsRequest
    response(16, 0, 5, 3, 72), // ListGroupsResponse
    request(17, 0, 1, i16::MAX, 73), // SaslHandshakeRequest
    response(17, 0, 1, i16::MAX, 74), // SaslHandshakeResponse
    request(18, 0, 4, 3, 75), // ApiVersionsRequest
    response(18, 0, 4, 3, 79), // ApiVersionsResponse
    request(19, 2, 7, 5, 83), // CreateTopicsRequest
    response(19, 2, 7, 5, 86), // CreateTopicsResponse
    request(20, 1, 6, 4, 88), // DeleteTopicsRequest
    response(20, 1, 6, 4, 90), // DeleteTopicsResponse
    request(21, 0, 2, 2, 93), // DeleteRecordsRequest
    response(21, 0, 2, 2, 96), // DeleteRecordsResponse
    request(22, 0, 6, 2, 97), // InitProducerIdRequest
    response(22, 0, 6, 2, 98), // InitProducerIdResponse
    request(23, 2, 4, 4, 101), // OffsetForLeaderEpochRequest
    response(23, 2, 4, 4, 104), // OffsetForLeaderEpochResponse
    request(24, 0, 5, 3, 108), // AddPartitionsToTxnRequest
    response(24, 0, 5, 3, 114), // AddPartitionsToTxnResponse
    request(25, 0, 4, 3, 115), // AddOffsetsToTxnRequest
    response(25, 0, 4, 3, 116), // AddOffsetsToTxnResponse
    request(26, 0, 5, 3, 117), // EndTxnRequest
    response(26, 0, 5, 3, 118), // EndTxnResponse
    request(27, 1, 1, 1, 121), // WriteTxnMarkersRequest
    response(27, 1, 1, 1, 125), // WriteTxnMarkersResponse
    request(28, 0, 5, 3, 128), // TxnOffsetCommitRequest
    response(28, 0, 5, 3, 131), // TxnOffsetCommitResponse
    request(29, 1, 3, 2, 132), // DescribeAclsRequest
    response(29, 1, 3, 2, 135), // DescribeAclsResponse
    request(30, 1, 3, 2, 137), // CreateAclsRequest
    response(30, 1, 3, 2, 139), // CreateAclsResponse
    request(31, 1, 3, 2, 141), // DeleteAclsRequest
    response(31, 1, 3, 2, 144), // DeleteAclsResponse
    request(32, 1, 4, 4, 146), // DescribeConfigsRequest
    response(32, 1, 4, 4, 150), // DescribeConfigsResponse
    request(33, 0, 2, 2, 153), // AlterConfigsRequest
    response(33, 0, 2, 2, 155), // AlterConfigsResponse
    request(34, 1, 2, 2, 158), // AlterReplicaLogDirsRequest
    response(34, 1, 2, 2, 161), // AlterReplicaLogDirsResponse
    request(35, 1, 4, 2, 163), // DescribeLogDirsRequest
    response(35, 1, 4, 2, 167), // DescribeLogDirsResponse
    request(36, 0, 2, 2, 168), // SaslAuthenticateRequest
    response(36, 0, 2, 2, 169), // SaslAuthenticateResponse
    request(37, 0, 3, 2, 172), // CreatePartitionsRequest
    response(37, 0, 3, 2, 174), // CreatePartitionsResponse
    request(38, 1, 3, 2, 176), // CreateDelegationTokenRequest
    response(38, 1, 3, 2, 177), // CreateDelegationTokenResponse
    request(39, 1, 2, 2, 178), // RenewDelegationTokenRequest
    response(39, 1, 2, 2, 179), // RenewDelegationTokenResponse
    request(40, 1, 2, 2, 180), // ExpireDelegationTokenRequest
    response(40, 1, 2, 2, 181), // ExpireDelegationTokenResponse
    request(41, 1, 3, 2, 183), // DescribeDelegationTokenRequest
    response(41, 1, 3, 2, 186), // DescribeDelegationTokenResponse
    request(42, 0, 2, 2, 187), // DeleteGroupsRequest
    response(42, 0, 2, 2, 189), // DeleteGroupsResponse
    request(43, 0, 2, 2, 191), // ElectLeadersRequest
    response(43, 0, 2, 2, 194), // ElectLeadersResponse
    request(44, 0, 1, 1, 197), // IncrementalAlterConfigsRequest
    response(44, 0, 1, 1, 199), // IncrementalAlterConfigsResponse
    request(45, 0, 1, 0, 202), // AlterPartitionReassignmentsRequest
    response(45, 0, 1, 0, 205), // AlterPartitionReassignmentsResponse
    request(46, 0, 0, 0, 207), // ListPartitionReassignmentsRequest
    response(46, 0, 0, 0, 210), // ListPartitionReassignmentsResponse
    request(47, 0, 0, i16::MAX, 213), // OffsetDeleteRequest
    response(47, 0, 0, i16::MAX, 216), // OffsetDeleteResponse
    request(48, 0, 1, 1, 218), // DescribeClientQuotasRequest
    response(48, 0, 1, 1, 222), // DescribeClientQuotasResponse
    request(49, 0, 1, 1, 226), // AlterClientQuotasRequest
    response(49, 0, 1, 1, 229), // AlterClientQuotasResponse
    request(50, 0, 0, 0, 231), // DescribeUserScramCredentialsRequest
    response(50, 0, 0, 0, 234), // DescribeUserScramCredentialsResponse
    request(51, 0, 0, 0, 237), // AlterUserScramCredentialsRequest
    response(51, 0, 0, 0, 239), // AlterUserScramCredentialsResponse
    request(52, 0, 2, 0, 242), // VoteRequest
    response(52, 0, 2, 0, 246), // VoteResponse
    request(53, 0, 1, 1, 250), // BeginQuorumEpochRequest
    response(53, 0, 1, 1, 254), // BeginQuorumEpochResponse
    request(54, 0, 1, 1, 259), // EndQuorumEpochRequest
    response(54, 0, 1, 1, 263), // EndQuorumEpochResponse
    request(55, 0, 2, 0, 266), // DescribeQuorumRequest
    response(55, 0, 2, 0, 273), // DescribeQuorumResponse
    request(56, 2, 3, 2, 277), // AlterPartitionRequest
    response(56, 2, 3, 2, 280), // AlterPartitionResponse
    request(57, 0, 2, 0, 282), // UpdateFeaturesRequest
    response(57, 0, 2, 0, 284), // UpdateFeaturesResponse
    request(58, 0, 0, 0, 285), // EnvelopeRequest
    response(58, 0, 0, 0, 286), // EnvelopeResponse
    request(59, 0, 1, 0, 290), // FetchSnapshotRequest
    response(59, 0, 1, 0, 296), // FetchSnapshotResponse
    request(60, 0, 2, 0, 297), // DescribeClusterRequest
    response(60, 0, 2, 0, 299), // DescribeClusterResponse
    request(61, 0, 0, 0, 301), // DescribeProducersRequest
    response(61, 0, 0, 0, 305), // DescribeProducersResponse
    request(62, 0, 4, 0, 308), // BrokerRegistrationRequest
    response(62, 0, 4, 0, 309), // BrokerRegistrationResponse
    request(63, 0, 1, 0, 310), // BrokerHeartbeatRequest
    response(63, 0, 1, 0, 311), // BrokerHeartbeatResponse
    request(64, 0, 0, 0, 312), // UnregisterBrokerRequest
    response(64, 0, 0, 0, 313), // UnregisterBrokerResponse
    request(65, 0, 0, 0, 314), // DescribeTransactionsRequest
    response(65, 0, 0, 0, 317), // DescribeTransactionsResponse
    request(66, 0, 2, 0, 318), // ListTransactionsRequest
    response(66, 0, 2, 0, 320), // ListTransactionsResponse
    request(67, 0, 0, 0, 321), // AllocateProducerIdsRequest
    response(67, 0, 0, 0, 322), // AllocateProducerIdsResponse
    request(68, 0, 1, 0, 324), // ConsumerGroupHeartbeatRequest
    response(68, 0, 1, 0, 327), // ConsumerGroupHeartbeatResponse
    request(69, 0, 1, 0, 328), // ConsumerGroupDescribeRequest
    response(69, 0, 1, 0, 335), // ConsumerGroupDescribeResponse
    request(70, 0, 0, 0, 338), // ControllerRegistrationRequest
    response(70, 0, 0, 0, 339), // ControllerRegistrationResponse
    request(71, 0, 0, 0, 340), // GetTelemetrySubscriptionsRequest
    response(71, 0, 0, 0, 341), // GetTelemetrySubscriptionsResponse
    request(72, 0, 0, 0, 342), // PushTelemetryRequest
    response(72, 0, 0, 0, 343), // PushTelemetryResponse
    request(73, 0, 0, 0, 347), // AssignReplicasToDirsRequest
    response(73, 0, 0, 0, 351), // AssignReplicasToDirsResponse
    request(74, 0, 1, 0, 352), // ListConfigResourcesRequest
    response(74, 0, 1, 0, 354), // ListConfigResourcesResponse
    request(75, 0, 0, 0, 357), // DescribeTopicPartitionsRequest
    response(75, 0, 0, 0, 361), // DescribeTopicPartitionsResponse
    request(76, 1, 1, 1, 362), // ShareGroupHeartbeatRequest
    response(76, 1, 1, 1, 365), // ShareGroupHeartbeatResponse
    request(77, 1, 1, 1, 366), // ShareGroupDescribeRequest
    response(77, 1, 1, 1, 371), // ShareGroupDescribeResponse
    request(78, 1, 1, 1, 376), // ShareFetchRequest
    response(78, 1, 1, 1, 382), // ShareFetchResponse
    request(79, 1, 1, 1, 386), // ShareAcknowledgeRequest
    response(79, 1, 1, 1, 391), // ShareAcknowledgeResponse
    request(80, 0, 0, 0, 393), // AddRaftVoterRequest
    response(80, 0, 0, 0, 394), // AddRaftVoterResponse
    request(81, 0, 0, 0, 395), // RemoveRaftVoterRequest
    response(81, 0, 0, 0, 396), // RemoveRaftVoterResponse
    request(82, 0, 0, 0, 399), // UpdateRaftVoterRequest
    response(82, 0, 0, 0, 401), // UpdateRaftVoterResponse
    request(83, 0, 0, 0, 404), // InitializeShareGroupStateRequest
    response(83, 0, 0, 0, 407), // InitializeShareGroupStateResponse
    request(84, 0, 0, 0, 410), // ReadShareGroupStateRequest
    response(84, 0, 0, 0, 414), // ReadShareGroupStateResponse
    request(85, 0, 0, 0, 418), // WriteShareGroupStateRequest
    response(85, 0, 0, 0, 421), // WriteShareGroupStateResponse
    request(86, 0, 0, 0, 424), // DeleteShareGroupStateRequest
    response(86, 0, 0, 0, 427), // DeleteShareGroupStateResponse
    request(87, 0, 0, 0, 430), // ReadShareGroupStateSummaryRequest
    response(87, 0, 0, 0, 433), // ReadShareGroupStateSummaryResponse
    request(88, 0, 0, 0, 448), // StreamsGroupHeartbeatRequest
    response(88, 0, 0, 0, 457), // StreamsGroupHeartbeatResponse
    request(89, 0, 0, 0, 458), // StreamsGroupDescribeRequest
    response(89, 0, 0, 0, 479), // StreamsGroupDescribeResponse
    request(90, 0, 0, 0, 482), // DescribeShareGroupOffsetsRequest
    response(90, 0, 0, 0, 486), // DescribeShareGroupOffsetsResponse
    request(91, 0, 0, 0, 489), // AlterShareGroupOffsetsRequest
    response(91, 0, 0, 0, 492), // AlterShareGroupOffsetsResponse
    request(92, 0, 0, 0, 494), // DeleteShareGroupOffsetsRequest
    response(92, 0, 0, 0, 496), // DeleteShareGroupOffsetsResponse
];

pub(super) static STRUCTURES: &[Structure] = &[
    structure(64, &[fixed(4, 3, 13), bytes(3, 13)]), // 0 ProduceRequest
    structure(96, &[string(3, 12), fixed(16, 13, 13), structures(0, 3, 13)]), // 1 ProduceRequest
    structure(88, &[string(3, 13), fixed(6, 3, 13), structures(1, 3, 13)]), // 2 ProduceRequest
    structure(64, &[fixed(4, 8, 13), string(8, 13)]), // 3 ProduceResponse
    structure(32, &[fixed(8, 10, 13)]), // 4 ProduceResponse
    structure(144, &[fixed(22, 3, 13), fixed(8, 5, 13), structures(3, 8, 13), string(8, 13), nested(4, 10, 13).tagged(0)]), // 5 ProduceResponse
    structure(96, &[string(3, 12), fixed(16, 13, 13), structures(5, 3, 13)]), // 6 ProduceResponse
    structure(96, &[fixed(4, 10, 13), string(10, 13), fixed(4, 10, 13), string(10, 13)]), // 7 ProduceResponse
    structure(80, &[structures(6, 3, 13), fixed(4, 3, 13), structures(7, 10, 13).tagged(0)]), // 8 ProduceResponse
    structure(40, &[fixed(12, 15, 18)]), // 9 FetchRequest
    structure(80, &[fixed(4, 4, 18), fixed(4, 9, 18), fixed(8, 4, 18), fixed(4, 12, 18), fixed(8, 5, 18), fixed(4, 4, 18), fixed(16, 17, 18).tagged(0), fixed(8, 18, 18).tagged(1)]), // 10 FetchRequest
    structure(96, &[string(4, 12), fixed(16, 13, 18), structures(10, 4, 18)]), // 11 FetchRequest
    structure(96, &[string(7, 12), fixed(16, 13, 18), fixeds(4, 7, 18)]), // 12 FetchRequest
    structure(208, &[string(12, 18).tagged(0), fixed(4, 4, 14), nested(9, 15, 18).tagged(1), fixed(13, 4, 18), fixed(8, 7, 18), structures(11, 4, 18), structures(12, 7, 18), string(11, 18)]), // 13 FetchRequest
    structure(40, &[fixed(12, 12, 18)]), // 14 FetchResponse
    structure(32, &[fixed(8, 12, 18)]), // 15 FetchResponse
    structure(40, &[fixed(12, 4, 18)]), // 16 FetchResponse
    structure(40, &[fixed(16, 4, 18)]), // 17 FetchResponse
    structure(232, &[fixed(22, 4, 18), fixed(8, 5, 18), nested(14, 12, 18).tagged(0), nested(15, 12, 18).tagged(1), nested(16, 12, 18).tagged(2), structures(17, 4, 18), fixed(4, 11, 18), bytes(4, 18)]), // 18 FetchResponse
    structure(96, &[string(4, 12), fixed(16, 13, 18), structures(18, 4, 18)]), // 19 FetchResponse
    structure(96, &[fixed(4, 16, 18), string(16, 18), fixed(4, 16, 18), string(16, 18)]), // 20 FetchResponse
    structure(88, &[fixed(4, 4, 18), fixed(6, 7, 18), structures(19, 4, 18), structures(20, 16, 18).tagged(0)]), // 21 FetchResponse
    structure(40, &[fixed(4, 1, 10), fixed(4, 4, 10), fixed(8, 1, 10)]), // 22 ListOffsetsRequest
    structure(80, &[string(1, 10), structures(22, 1, 10)]), // 23 ListOffsetsRequest
    structure(64, &[fixed(4, 1, 10), fixed(1, 2, 10), structures(23, 1, 10), fixed(4, 10, 10)]), // 24 ListOffsetsRequest
    structure(56, &[fixed(22, 1, 10), fixed(4, 4, 10)]), // 25 ListOffsetsResponse
    structure(80, &[string(1, 10), structures(25, 1, 10)]), // 26 ListOffsetsResponse
    structure(56, &[fixed(4, 2, 10), structures(26, 1, 10)]), // 27 ListOffsetsResponse
    structure(72, &[fixed(16, 10, 13), string(0, 13)]), // 28 MetadataRequest
    structure(56, &[structures(28, 0, 13), fixed(1, 4, 13), fixed(1, 8, 10), fixed(1, 8, 13)]), // 29 MetadataRequest
    structure(96, &[fixed(4, 0, 13), string(0, 13), fixed(4, 0, 13), string(1, 13)]), // 30 MetadataResponse
    structure(112, &[fixed(10, 0, 13), fixed(4, 7, 13), fixeds(4, 0, 13), fixeds(4, 0, 13), fixeds(4, 5, 13)]), // 31 MetadataResponse
    structure(104, &[fixed(2, 0, 13), string(0, 13), fixed(16, 10, 13), fixed(1, 1, 13), structures(31, 0, 13), fixed(4, 8, 13)]), // 32 MetadataResponse
    structure(120, &[fixed(4, 3, 13), structures(30, 0, 13), string(2, 13), fixed(4, 1, 13), structures(32, 0, 13), fixed(4, 8, 10), fixed(2, 13, 13)]), // 33 MetadataResponse
    structure(72, &[fixed(12, 2, 10), fixed(4, 6, 10), string(2, 10)]), // 34 OffsetCommitRequest
    structure(96, &[string(2, 9), fixed(16, 10, 10), structures(34, 2, 10)]), // 35 OffsetCommitRequest
    structure(160, &[string(2, 10), fixed(4, 2, 10), string(2, 10), string(7, 10), fixed(8, 2, 4), structures(35, 2, 10)]), // 36 OffsetCommitRequest
    structure(32, &[fixed(6, 2, 10)]), // 37 OffsetCommitResponse
    structure(96, &[string(2, 9), fixed(16, 10, 10), structures(37, 2, 10)]), // 38 OffsetCommitResponse
    structure(56, &[fixed(4, 3, 10), structures(38, 2, 10)]), // 39 OffsetCommitResponse
    structure(80, &[string(1, 7), fixeds(4, 1, 7)]), // 40 OffsetFetchRequest
    structure(96, &[string(8, 9), fixed(16, 10, 10), fixeds(4, 8, 10)]), // 41 OffsetFetchRequest
    structure(120, &[string(8, 10), string(9, 10), fixed(4, 9, 10), structures(41, 8, 10)]), // 42 OffsetFetchRequest
    structure(112, &[string(1, 7), structures(40, 1, 7), structures(42, 8, 10), fixed(1, 7, 10)]), // 43 OffsetFetchRequest
    structure(80, &[fixed(12, 1, 7), fixed(4, 5, 7), string(1, 7), fixed(2, 1, 7)]), // 44 OffsetFetchResponse
    structure(80, &[string(1, 7), structures(44, 1, 7)]), // 45 OffsetFetchResponse
    structure(80, &[fixed(16, 8, 10), string(8, 10), fixed(2, 8, 10)]), // 46 OffsetFetchResponse
    structure(96, &[string(8, 9), fixed(16, 10, 10), structures(46, 8, 10)]), // 47 OffsetFetchResponse
    structure(88, &[string(8, 10), structures(47, 8, 10), fixed(2, 8, 10)]), // 48 OffsetFetchResponse
    structure(80, &[fixed(4, 3, 10), structures(45, 1, 7), fixed(2, 2, 7), structures(48, 8, 10)]), // 49 OffsetFetchResponse
    structure(88, &[string(0, 3), fixed(1, 1, 6), strings(4, 6)]), // 50 FindCoordinatorRequest
    structure(136, &[string(4, 6), fixed(4, 4, 6), string(4, 6), fixed(6, 4, 6), string(4, 6)]), // 51 FindCoordinatorResponse
    structure(128, &[fixed(4, 1, 6), fixed(2, 0, 3), string(1, 3), fixed(4, 0, 3), string(0, 3), fixed(4, 0, 3), structures(51, 4, 6)]), // 52 FindCoordinatorResponse
    structure(88, &[string(0, 9), bytes(0, 9)]), // 53 JoinGroupRequest
    structure(216, &[string(0, 9), fixed(4, 0, 9), fixed(4, 1, 9), string(0, 9), string(5, 9), string(0, 9), structures(53, 0, 9), string(8, 9)]), // 54 JoinGroupRequest
    structure(120, &[string(0, 9), string(5, 9), bytes(0, 9)]), // 55 JoinGroupResponse
    structure(192, &[fixed(4, 2, 9), fixed(6, 0, 9), string(7, 9), string(0, 9), string(0, 9), fixed(1, 9, 9), string(0, 9), structures(55, 0, 9)]), // 56 JoinGroupResponse
    structure(128, &[string(0, 4), fixed(4, 0, 4), string(0, 4), string(3, 4)]), // 57 HeartbeatRequest
    structure(32, &[fixed(4, 1, 4), fixed(2, 0, 4)]), // 58 HeartbeatResponse
    structure(120, &[string(3, 5), string(3, 5), string(5, 5)]), // 59 LeaveGroupRequest
    structure(112, &[string(0, 5), string(0, 2), structures(59, 3, 5)]), // 60 LeaveGroupRequest
    structure(96, &[string(3, 5), string(3, 5), fixed(2, 3, 5)]), // 61 LeaveGroupResponse
    structure(56, &[fixed(4, 1, 5), fixed(2, 0, 5), structures(61, 3, 5)]), // 62 LeaveGroupResponse
    structure(88, &[string(0, 5), bytes(0, 5)]), // 63 SyncGroupRequest
    structure(216, &[string(0, 5), fixed(4, 0, 5), string(0, 5), string(3, 5), string(5, 5), string(5, 5), structures(63, 0, 5)]), // 64 SyncGroupRequest
    structure(128, &[fixed(4, 1, 5), fixed(2, 0, 5), string(5, 5), string(5, 5), bytes(0, 5)]), // 65 SyncGroupResponse
    structure(56, &[strings(0, 6), fixed(1, 3, 6)]), // 66 DescribeGroupsRequest
    structure(216, &[string(0, 6), string(4, 6), string(0, 6), string(0, 6), bytes(0, 6), bytes(0, 6)]), // 67 DescribeGroupsResponse
    structure(216, &[fixed(2, 0, 6), string(6, 6), string(0, 6), string(0, 6), string(0, 6), string(0, 6), structures(67, 0, 6), fixed(4, 3, 6)]), // 68 DescribeGroupsResponse
    structure(56, &[fixed(4, 1, 6), structures(68, 0, 6)]), // 69 DescribeGroupsResponse
    structure(72, &[strings(4, 5), strings(5, 5)]), // 70 ListGroupsRequest
    structure(152, &[string(0, 5), string(0, 5), string(4, 5), string(5, 5)]), // 71 ListGroupsResponse
    structure(56, &[fixed(4, 1, 5), fixed(2, 0, 5), structures(71, 0, 5)]), // 72 ListGroupsResponse
    structure(32, &[string(0, 1)]), // 73 SaslHandshakeRequest
    structure(32, &[fixed(2, 0, 1), strings(0, 1)]), // 74 SaslHandshakeResponse
    structure(88, &[string(3, 4), string(3, 4)]), // 75 ApiVersionsRequest
    structure(32, &[fixed(6, 0, 4)]), // 76 ApiVersionsResponse
    structure(64, &[string(3, 4), fixed(4, 3, 4)]), // 77 ApiVersionsResponse
    structure(64, &[string(3, 4), fixed(4, 3, 4)]), // 78 ApiVersionsResponse
    structure(112, &[fixed(2, 0, 4), structures(76, 0, 4), fixed(4, 1, 4), structures(77, 3, 4).tagged(0), fixed(8, 3, 4).tagged(1), structures(78, 3, 4).tagged(2), fixed(1, 3, 4).tagged(3)]), // 79 ApiVersionsResponse
    structure(56, &[fixed(4, 2, 7), fixeds(4, 2, 7)]), // 80 CreateTopicsRequest
    structure(88, &[string(2, 7), string(2, 7)]), // 81 CreateTopicsRequest
    structure(112, &[string(2, 7), fixed(6, 2, 7), structures(80, 2, 7), structures(81, 2, 7)]), // 82 CreateTopicsRequest
    structure(56, &[structures(82, 2, 7), fixed(5, 2, 7)]), // 83 CreateTopicsRequest
    structure(96, &[string(5, 7), string(5, 7), fixed(3, 5, 7)]), // 84 CreateTopicsResponse
    structure(144, &[string(2, 7), fixed(16, 7, 7), fixed(2, 2, 7), string(2, 7), fixed(2, 5, 7).tagged(0), fixed(6, 5, 7), structures(84, 5, 7)]), // 85 CreateTopicsResponse
    structure(56, &[fixed(4, 2, 7), structures(85, 2, 7)]), // 86 CreateTopicsResponse
    structure(72, &[string(6, 6), fixed(16, 6, 6)]), // 87 DeleteTopicsRequest
    structure(80, &[structures(87, 6, 6), strings(1, 5), fixed(4, 1, 6)]), // 88 DeleteTopicsRequest
    structure(112, &[string(1, 6), fixed(16, 6, 6), fixed(2, 1, 6), string(5, 6)]), // 89 DeleteTopicsResponse
    structure(56, &[fixed(4, 1, 6), structures(89, 1, 6)]), // 90 DeleteTopicsResponse
    structure(40, &[fixed(12, 0, 2)]), // 91 DeleteRecordsRequest
    structure(80, &[string(0, 2), structures(91, 0, 2)]), // 92 DeleteRecordsRequest
    structure(56, &[structures(92, 0, 2), fixed(4, 0, 2)]), // 93 DeleteRecordsRequest
    structure(40, &[fixed(14, 0, 2)]), // 94 DeleteRecordsResponse
    structure(80, &[string(0, 2), structures(94, 0, 2)]), // 95 DeleteRecordsResponse
    structure(56, &[fixed(4, 0, 2), structures(95, 0, 2)]), // 96 DeleteRecordsResponse
    structure(72, &[string(0, 6), fixed(4, 0, 6), fixed(10, 3, 6), fixed(2, 6, 6)]), // 97 InitProducerIdRequest
    structure(56, &[fixed(16, 0, 6), fixed(10, 6, 6)]), // 98 InitProducerIdResponse
    structure(40, &[fixed(12, 2, 4)]), // 99 OffsetForLeaderEpochRequest
    structure(80, &[string(2, 4), structures(99, 2, 4)]), // 100 OffsetForLeaderEpochRequest
    structure(56, &[fixed(4, 3, 4), structures(100, 2, 4)]), // 101 OffsetForLeaderEpochRequest
    structure(48, &[fixed(18, 2, 4)]), // 102 OffsetForLeaderEpochResponse
    structure(80, &[string(2, 4), structures(102, 2, 4)]), // 103 OffsetForLeaderEpochResponse
    structure(56, &[fixed(4, 2, 4), structures(103, 2, 4)]), // 104 OffsetForLeaderEpochResponse
    structure(80, &[string(0, 5), fixeds(4, 0, 5)]), // 105 AddPartitionsToTxnRequest
    structure(96, &[string(4, 5), fixed(11, 4, 5), structures(105, 4, 5)]), // 106 AddPartitionsToTxnRequest
    structure(80, &[string(0, 5), fixeds(4, 0, 5)]), // 107 AddPartitionsToTxnRequest
    structure(120, &[structures(106, 4, 5), string(0, 3), fixed(10, 0, 3), structures(107, 0, 3)]), // 108 AddPartitionsToTxnRequest
    structure(32, &[fixed(6, 0, 5)]), // 109 AddPartitionsToTxnResponse
    structure(80, &[string(0, 5), structures(109, 0, 5)]), // 110 AddPartitionsToTxnResponse
    structure(80, &[string(4, 5), structures(110, 4, 5)]), // 111 AddPartitionsToTxnResponse
    structure(32, &[fixed(6, 0, 5)]), // 112 AddPartitionsToTxnResponse
    structure(80, &[string(0, 5), structures(112, 0, 5)]), // 113 AddPartitionsToTxnResponse
    structure(80, &[fixed(4, 0, 5), fixed(2, 4, 5), structures(111, 4, 5), structures(113, 0, 3)]), // 114 AddPartitionsToTxnResponse
    structure(104, &[string(0, 4), fixed(10, 0, 4), string(0, 4)]), // 115 AddOffsetsToTxnRequest
    structure(32, &[fixed(6, 0, 4)]), // 116 AddOffsetsToTxnResponse
    structure(72, &[string(0, 5), fixed(11, 0, 5)]), // 117 EndTxnRequest
    structure(40, &[fixed(6, 0, 5), fixed(10, 5, 5)]), // 118 EndTxnResponse
    structure(80, &[string(1, 1), fixeds(4, 1, 1)]), // 119 WriteTxnMarkersRequest
    structure(64, &[fixed(11, 1, 1), structures(119, 1, 1), fixed(4, 1, 1)]), // 120 WriteTxnMarkersRequest
    structure(48, &[structures(120, 1, 1)]), // 121 WriteTxnMarkersRequest
    structure(32, &[fixed(6, 1, 1)]), // 122 WriteTxnMarkersResponse
    structure(80, &[string(1, 1), structures(122, 1, 1)]), // 123 WriteTxnMarkersResponse
    structure(56, &[fixed(8, 1, 1), structures(123, 1, 1)]), // 124 WriteTxnMarkersResponse
    structure(48, &[structures(124, 1, 1)]), // 125 WriteTxnMarkersResponse
    structure(72, &[fixed(12, 0, 5), fixed(4, 2, 5), string(0, 5)]), // 126 TxnOffsetCommitRequest
    structure(80, &[string(0, 5), structures(126, 0, 5)]), // 127 TxnOffsetCommitRequest
    structure(192, &[string(0, 5), string(0, 5), fixed(10, 0, 5), fixed(4, 3, 5), string(3, 5), string(3, 5), structures(127, 0, 5)]), // 128 TxnOffsetCommitRequest
    structure(32, &[fixed(6, 0, 5)]), // 129 TxnOffsetCommitResponse
    structure(80, &[string(0, 5), structures(129, 0, 5)]), // 130 TxnOffsetCommitResponse
    structure(56, &[fixed(4, 0, 5), structures(130, 0, 5)]), // 131 TxnOffsetCommitResponse
    structure(128, &[fixed(1, 1, 3), string(1, 3), fixed(1, 1, 3), string(1, 3), string(1, 3), fixed(2, 1, 3)]), // 132 DescribeAclsRequest
    structure(96, &[string(1, 3), string(1, 3), fixed(2, 1, 3)]), // 133 DescribeAclsResponse
    structure(88, &[fixed(1, 1, 3), string(1, 3), fixed(1, 1, 3), structures(133, 1, 3)]), // 134 DescribeAclsResponse
    structure(88, &[fixed(6, 1, 3), string(1, 3), structures(134, 1, 3)]), // 135 DescribeAclsResponse
    structure(128, &[fixed(1, 1, 3), string(1, 3), fixed(1, 1, 3), string(1, 3), string(1, 3), fixed(2, 1, 3)]), // 136 CreateAclsRequest
    structure(48, &[structures(136, 1, 3)]), // 137 CreateAclsRequest
    structure(64, &[fixed(2, 1, 3), string(1, 3)]), // 138 CreateAclsResponse
    structure(56, &[fixed(4, 1, 3), structures(138, 1, 3)]), // 139 CreateAclsResponse
    structure(128, &[fixed(1, 1, 3), string(1, 3), fixed(1, 1, 3), string(1, 3), string(1, 3), fixed(2, 1, 3)]), // 140 DeleteAclsRequest
    structure(48, &[structures(140, 1, 3)]), // 141 DeleteAclsRequest
    structure(160, &[fixed(2, 1, 3), string(1, 3), fixed(1, 1, 3), string(1, 3), fixed(1, 1, 3), string(1, 3), string(1, 3), fixed(2, 1, 3)]), // 142 DeleteAclsResponse
    structure(88, &[fixed(2, 1, 3), string(1, 3), structures(142, 1, 3)]), // 143 DeleteAclsResponse
    structure(56, &[fixed(4, 1, 3), structures(143, 1, 3)]), // 144 DeleteAclsResponse
    structure(88, &[fixed(1, 1, 4), string(1, 4), strings(1, 4)]), // 145 DescribeConfigsRequest
    structure(56, &[structures(145, 1, 4), fixed(1, 1, 4), fixed(1, 3, 4)]), // 146 DescribeConfigsRequest
    structure(96, &[string(1, 4), string(1, 4), fixed(1, 1, 4)]), // 147 DescribeConfigsResponse
    structure(152, &[string(1, 4), string(1, 4), fixed(3, 1, 4), structures(147, 1, 4), fixed(1, 3, 4), string(3, 4)]), // 148 DescribeConfigsResponse
    structure(120, &[fixed(2, 1, 4), string(1, 4), fixed(1, 1, 4), string(1, 4), structures(148, 1, 4)]), // 149 DescribeConfigsResponse
    structure(56, &[fixed(4, 1, 4), structures(149, 1, 4)]), // 150 DescribeConfigsResponse
    structure(88, &[string(0, 2), string(0, 2)]), // 151 AlterConfigsRequest
    structure(88, &[fixed(1, 0, 2), string(0, 2), structures(151, 0, 2)]), // 152 AlterConfigsRequest
    structure(56, &[structures(152, 0, 2), fixed(1, 0, 2)]), // 153 AlterConfigsRequest
    structure(96, &[fixed(2, 0, 2), string(0, 2), fixed(1, 0, 2), string(0, 2)]), // 154 AlterConfigsResponse
    structure(56, &[fixed(4, 0, 2), structures(154, 0, 2)]), // 155 AlterConfigsResponse
    structure(80, &[string(1, 2), fixeds(4, 1, 2)]), // 156 AlterReplicaLogDirsRequest
    structure(80, &[string(1, 2), structures(156, 1, 2)]), // 157 AlterReplicaLogDirsRequest
    structure(48, &[structures(157, 1, 2)]), // 158 AlterReplicaLogDirsRequest
    structure(32, &[fixed(6, 1, 2)]), // 159 AlterReplicaLogDirsResponse
    structure(80, &[string(1, 2), structures(159, 1, 2)]), // 160 AlterReplicaLogDirsResponse
    structure(56, &[fixed(4, 1, 2), structures(160, 1, 2)]), // 161 AlterReplicaLogDirsResponse
    structure(80, &[string(1, 4), fixeds(4, 1, 4)]), // 162 DescribeLogDirsRequest
    structure(48, &[structures(162, 1, 4)]), // 163 DescribeLogDirsRequest
    structure(48, &[fixed(21, 1, 4)]), // 164 DescribeLogDirsResponse
    structure(80, &[string(1, 4), structures(164, 1, 4)]), // 165 DescribeLogDirsResponse
    structure(104, &[fixed(2, 1, 4), string(1, 4), structures(165, 1, 4), fixed(16, 4, 4)]), // 166 DescribeLogDirsResponse
    structure(56, &[fixed(4, 1, 4), fixed(2, 3, 4), structures(166, 1, 4)]), // 167 DescribeLogDirsResponse
    structure(56, &[bytes(0, 2)]), // 168 SaslAuthenticateRequest
    structure(104, &[fixed(2, 0, 2), string(0, 2), bytes(0, 2), fixed(8, 1, 2)]), // 169 SaslAuthenticateResponse
    structure(48, &[fixeds(4, 0, 3)]), // 170 CreatePartitionsRequest
    structure(88, &[string(0, 3), fixed(4, 0, 3), structures(170, 0, 3)]), // 171 CreatePartitionsRequest
    structure(56, &[structures(171, 0, 3), fixed(5, 0, 3)]), // 172 CreatePartitionsRequest
    structure(96, &[string(0, 3), fixed(2, 0, 3), string(0, 3)]), // 173 CreatePartitionsResponse
    structure(56, &[fixed(4, 0, 3), structures(173, 0, 3)]), // 174 CreatePartitionsResponse
    structure(88, &[string(1, 3), string(1, 3)]), // 175 CreateDelegationTokenRequest
    structure(120, &[string(3, 3), string(3, 3), structures(175, 1, 3), fixed(8, 1, 3)]), // 176 CreateDelegationTokenRequest
    structure(248, &[fixed(2, 1, 3), string(1, 3), string(1, 3), string(3, 3), string(3, 3), fixed(24, 1, 3), string(1, 3), bytes(1, 3), fixed(4, 1, 3)]), // 177 CreateDelegationTokenResponse
    structure(64, &[bytes(1, 2), fixed(8, 1, 2)]), // 178 RenewDelegationTokenRequest
    structure(40, &[fixed(14, 1, 2)]), // 179 RenewDelegationTokenResponse
    structure(64, &[bytes(1, 2), fixed(8, 1, 2)]), // 180 ExpireDelegationTokenRequest
    structure(40, &[fixed(14, 1, 2)]), // 181 ExpireDelegationTokenResponse
    structure(88, &[string(1, 3), string(1, 3)]), // 182 DescribeDelegationTokenRequest
    structure(48, &[structures(182, 1, 3)]), // 183 DescribeDelegationTokenRequest
    structure(88, &[string(1, 3), string(1, 3)]), // 184 DescribeDelegationTokenResponse
    structure(264, &[string(1, 3), string(1, 3), string(3, 3), string(3, 3), fixed(24, 1, 3), string(1, 3), bytes(1, 3), structures(184, 1, 3)]), // 185 DescribeDelegationTokenResponse
    structure(56, &[fixed(2, 1, 3), structures(185, 1, 3), fixed(4, 1, 3)]), // 186 DescribeDelegationTokenResponse
    structure(48, &[strings(0, 2)]), // 187 DeleteGroupsRequest
    structure(64, &[string(0, 2), fixed(2, 0, 2)]), // 188 DeleteGroupsResponse
    structure(56, &[fixed(4, 0, 2), structures(188, 0, 2)]), // 189 DeleteGroupsResponse
    structure(80, &[string(0, 2), fixeds(4, 0, 2)]), // 190 ElectLeadersRequest
    structure(56, &[fixed(1, 1, 2), structures(190, 0, 2), fixed(4, 0, 2)]), // 191 ElectLeadersRequest
    structure(64, &[fixed(6, 0, 2), string(0, 2)]), // 192 ElectLeadersResponse
    structure(80, &[string(0, 2), structures(192, 0, 2)]), // 193 ElectLeadersResponse
    structure(56, &[fixed(4, 0, 2), fixed(2, 1, 2), structures(193, 0, 2)]), // 194 ElectLeadersResponse
    structure(96, &[string(0, 1), fixed(1, 0, 1), string(0, 1)]), // 195 IncrementalAlterConfigsRequest
    structure(88, &[fixed(1, 0, 1), string(0, 1), structures(195, 0, 1)]), // 196 IncrementalAlterConfigsRequest
    structure(56, &[structures(196, 0, 1), fixed(1, 0, 1)]), // 197 IncrementalAlterConfigsRequest
    structure(96, &[fixed(2, 0, 1), string(0, 1), fixed(1, 0, 1), string(0, 1)]), // 198 IncrementalAlterConfigsResponse
    structure(56, &[fixed(4, 0, 1), structures(198, 0, 1)]), // 199 IncrementalAlterConfigsResponse
    structure(56, &[fixed(4, 0, 1), fixeds(4, 0, 1)]), // 200 AlterPartitionReassignmentsRequest
    structure(80, &[string(0, 1), structures(200, 0, 1)]), // 201 AlterPartitionReassignmentsRequest
    structure(56, &[fixed(4, 0, 1), fixed(1, 1, 1), structures(201, 0, 1)]), // 202 AlterPartitionReassignmentsRequest
    structure(64, &[fixed(6, 0, 1), string(0, 1)]), // 203 AlterPartitionReassignmentsResponse
    structure(80, &[string(0, 1), structures(203, 0, 1)]), // 204 AlterPartitionReassignmentsResponse
    structure(88, &[fixed(4, 0, 1), fixed(1, 1, 1), fixed(2, 0, 1), string(0, 1), structures(204, 0, 1)]), // 205 AlterPartitionReassignmentsResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 206 ListPartitionReassignmentsRequest
    structure(56, &[fixed(4, 0, 0), structures(206, 0, 0)]), // 207 ListPartitionReassignmentsRequest
    structure(104, &[fixed(4, 0, 0), fixeds(4, 0, 0), fixeds(4, 0, 0), fixeds(4, 0, 0)]), // 208 ListPartitionReassignmentsResponse
    structure(80, &[string(0, 0), structures(208, 0, 0)]), // 209 ListPartitionReassignmentsResponse
    structure(88, &[fixed(6, 0, 0), string(0, 0), structures(209, 0, 0)]), // 210 ListPartitionReassignmentsResponse
    structure(8, &[fixed(4, 0, 0)]), // 211 OffsetDeleteRequest
    structure(56, &[string(0, 0), structures(211, 0, 0)]), // 212 OffsetDeleteRequest
    structure(56, &[string(0, 0), structures(212, 0, 0)]), // 213 OffsetDeleteRequest
    structure(8, &[fixed(6, 0, 0)]), // 214 OffsetDeleteResponse
    structure(56, &[string(0, 0), structures(214, 0, 0)]), // 215 OffsetDeleteResponse
    structure(32, &[fixed(6, 0, 0), structures(215, 0, 0)]), // 216 OffsetDeleteResponse
    structure(96, &[string(0, 1), fixed(1, 0, 1), string(0, 1)]), // 217 DescribeClientQuotasRequest
    structure(56, &[structures(217, 0, 1), fixed(1, 0, 1)]), // 218 DescribeClientQuotasRequest
    structure(88, &[string(0, 1), string(0, 1)]), // 219 DescribeClientQuotasResponse
    structure(64, &[string(0, 1), fixed(8, 0, 1)]), // 220 DescribeClientQuotasResponse
    structure(72, &[structures(219, 0, 1), structures(220, 0, 1)]), // 221 DescribeClientQuotasResponse
    structure(88, &[fixed(6, 0, 1), string(0, 1), structures(221, 0, 1)]), // 222 DescribeClientQuotasResponse
    structure(88, &[string(0, 1), string(0, 1)]), // 223 AlterClientQuotasRequest
    structure(72, &[string(0, 1), fixed(9, 0, 1)]), // 224 AlterClientQuotasRequest
    structure(72, &[structures(223, 0, 1), structures(224, 0, 1)]), // 225 AlterClientQuotasRequest
    structure(56, &[structures(225, 0, 1), fixed(1, 0, 1)]), // 226 AlterClientQuotasRequest
    structure(88, &[string(0, 1), string(0, 1)]), // 227 AlterClientQuotasResponse
    structure(88, &[fixed(2, 0, 1), string(0, 1), structures(227, 0, 1)]), // 228 AlterClientQuotasResponse
    structure(56, &[fixed(4, 0, 1), structures(228, 0, 1)]), // 229 AlterClientQuotasResponse
    structure(56, &[string(0, 0)]), // 230 DescribeUserScramCredentialsRequest
    structure(48, &[structures(230, 0, 0)]), // 231 DescribeUserScramCredentialsRequest
    structure(32, &[fixed(5, 0, 0)]), // 232 DescribeUserScramCredentialsResponse
    structure(120, &[string(0, 0), fixed(2, 0, 0), string(0, 0), structures(232, 0, 0)]), // 233 DescribeUserScramCredentialsResponse
    structure(88, &[fixed(6, 0, 0), string(0, 0), structures(233, 0, 0)]), // 234 DescribeUserScramCredentialsResponse
    structure(64, &[string(0, 0), fixed(1, 0, 0)]), // 235 AlterUserScramCredentialsRequest
    structure(128, &[string(0, 0), fixed(5, 0, 0), bytes(0, 0), bytes(0, 0)]), // 236 AlterUserScramCredentialsRequest
    structure(72, &[structures(235, 0, 0), structures(236, 0, 0)]), // 237 AlterUserScramCredentialsRequest
    structure(96, &[string(0, 0), fixed(2, 0, 0), string(0, 0)]), // 238 AlterUserScramCredentialsResponse
    structure(56, &[fixed(4, 0, 0), structures(238, 0, 0)]), // 239 AlterUserScramCredentialsResponse
    structure(88, &[fixed(12, 0, 2), fixed(32, 1, 2), fixed(12, 0, 2), fixed(1, 2, 2)]), // 240 VoteRequest
    structure(80, &[string(0, 2), structures(240, 0, 2)]), // 241 VoteRequest
    structure(88, &[string(0, 2), fixed(4, 1, 2), structures(241, 0, 2)]), // 242 VoteRequest
    structure(40, &[fixed(15, 0, 2)]), // 243 VoteResponse
    structure(80, &[string(0, 2), structures(243, 0, 2)]), // 244 VoteResponse
    structure(64, &[fixed(4, 1, 2), string(1, 2), fixed(2, 1, 2)]), // 245 VoteResponse
    structure(80, &[fixed(2, 0, 2), structures(244, 0, 2), structures(245, 1, 2).tagged(0)]), // 246 VoteResponse
    structure(56, &[fixed(4, 0, 1), fixed(16, 1, 1), fixed(8, 0, 1)]), // 247 BeginQuorumEpochRequest
    structure(80, &[string(0, 1), structures(247, 0, 1)]), // 248 BeginQuorumEpochRequest
    structure(96, &[string(1, 1), string(1, 1), fixed(2, 1, 1)]), // 249 BeginQuorumEpochRequest
    structure(112, &[string(0, 1), fixed(4, 1, 1), structures(248, 0, 1), structures(249, 1, 1)]), // 250 BeginQuorumEpochRequest
    structure(40, &[fixed(14, 0, 1)]), // 251 BeginQuorumEpochResponse
    structure(80, &[string(0, 1), structures(251, 0, 1)]), // 252 BeginQuorumEpochResponse
    structure(64, &[fixed(4, 1, 1), string(1, 1), fixed(2, 1, 1)]), // 253 BeginQuorumEpochResponse
    structure(80, &[fixed(2, 0, 1), structures(252, 0, 1), structures(253, 1, 1).tagged(0)]), // 254 BeginQuorumEpochResponse
    structure(48, &[fixed(20, 1, 1)]), // 255 EndQuorumEpochRequest
    structure(88, &[fixed(12, 0, 1), fixeds(4, 0, 0), structures(255, 1, 1)]), // 256 EndQuorumEpochRequest
    structure(80, &[string(0, 1), structures(256, 0, 1)]), // 257 EndQuorumEpochRequest
    structure(96, &[string(1, 1), string(1, 1), fixed(2, 1, 1)]), // 258 EndQuorumEpochRequest
    structure(104, &[string(0, 1), structures(257, 0, 1), structures(258, 1, 1)]), // 259 EndQuorumEpochRequest
    structure(40, &[fixed(14, 0, 1)]), // 260 EndQuorumEpochResponse
    structure(80, &[string(0, 1), structures(260, 0, 1)]), // 261 EndQuorumEpochResponse
    structure(64, &[fixed(4, 1, 1), string(1, 1), fixed(2, 1, 1)]), // 262 EndQuorumEpochResponse
    structure(80, &[fixed(2, 0, 1), structures(261, 0, 1), structures(262, 1, 1).tagged(0)]), // 263 EndQuorumEpochResponse
    structure(32, &[fixed(4, 0, 2)]), // 264 DescribeQuorumRequest
    structure(80, &[string(0, 2), structures(264, 0, 2)]), // 265 DescribeQuorumRequest
    structure(48, &[structures(265, 0, 2)]), // 266 DescribeQuorumRequest
    structure(72, &[fixed(4, 0, 2), fixed(16, 2, 2), fixed(8, 0, 2), fixed(16, 1, 2)]), // 267 DescribeQuorumResponse
    structure(72, &[fixed(4, 0, 2), fixed(16, 2, 2), fixed(8, 0, 2), fixed(16, 1, 2)]), // 268 DescribeQuorumResponse
    structure(128, &[fixed(6, 0, 2), string(2, 2), fixed(16, 0, 2), structures(267, 0, 2), structures(268, 0, 2)]), // 269 DescribeQuorumResponse
    structure(80, &[string(0, 2), structures(269, 0, 2)]), // 270 DescribeQuorumResponse
    structure(96, &[string(2, 2), string(2, 2), fixed(2, 2, 2)]), // 271 DescribeQuorumResponse
    structure(56, &[fixed(4, 2, 2), structures(271, 2, 2)]), // 272 DescribeQuorumResponse
    structure(112, &[fixed(2, 0, 2), string(2, 2), structures(270, 0, 2), structures(272, 2, 2)]), // 273 DescribeQuorumResponse
    structure(40, &[fixed(12, 3, 3)]), // 274 AlterPartitionRequest
    structure(88, &[fixed(8, 2, 3), fixeds(4, 2, 2), structures(274, 3, 3), fixed(5, 2, 3)]), // 275 AlterPartitionRequest
    structure(64, &[fixed(16, 2, 3), structures(275, 2, 3)]), // 276 AlterPartitionRequest
    structure(64, &[fixed(12, 2, 3), structures(276, 2, 3)]), // 277 AlterPartitionRequest
    structure(72, &[fixed(14, 2, 3), fixeds(4, 2, 3), fixed(5, 2, 3)]), // 278 AlterPartitionResponse
    structure(64, &[fixed(16, 2, 3), structures(278, 2, 3)]), // 279 AlterPartitionResponse
    structure(56, &[fixed(6, 2, 3), structures(279, 2, 3)]), // 280 AlterPartitionResponse
    structure(64, &[string(0, 2), fixed(2, 0, 2), fixed(1, 0, 0), fixed(1, 1, 2)]), // 281 UpdateFeaturesRequest
    structure(56, &[fixed(4, 0, 2), structures(281, 0, 2), fixed(1, 1, 2)]), // 282 UpdateFeaturesRequest
    structure(96, &[string(0, 2), fixed(2, 0, 2), string(0, 2)]), // 283 UpdateFeaturesResponse
    structure(88, &[fixed(6, 0, 2), string(0, 2), structures(283, 0, 1)]), // 284 UpdateFeaturesResponse
    structure(120, &[bytes(0, 0), bytes(0, 0), bytes(0, 0)]), // 285 EnvelopeRequest
    structure(64, &[bytes(0, 0), fixed(2, 0, 0)]), // 286 EnvelopeResponse
    structure(40, &[fixed(12, 0, 1)]), // 287 FetchSnapshotRequest
    structure(96, &[fixed(8, 0, 1), nested(287, 0, 1), fixed(8, 0, 1), fixed(16, 1, 1).tagged(0)]), // 288 FetchSnapshotRequest
    structure(80, &[string(0, 1), structures(288, 0, 1)]), // 289 FetchSnapshotRequest
    structure(88, &[string(0, 1).tagged(0), fixed(8, 0, 1), structures(289, 0, 1)]), // 290 FetchSnapshotRequest
    structure(40, &[fixed(12, 0, 1)]), // 291 FetchSnapshotResponse
    structure(32, &[fixed(8, 0, 1)]), // 292 FetchSnapshotResponse
    structure(152, &[fixed(6, 0, 1), nested(291, 0, 1), nested(292, 0, 1).tagged(0), fixed(16, 0, 1), bytes(0, 1)]), // 293 FetchSnapshotResponse
    structure(80, &[string(0, 1), structures(293, 0, 1)]), // 294 FetchSnapshotResponse
    structure(64, &[fixed(4, 1, 1), string(1, 1), fixed(2, 1, 1)]), // 295 FetchSnapshotResponse
    structure(80, &[fixed(6, 0, 1), structures(294, 0, 1), structures(295, 1, 1).tagged(0)]), // 296 FetchSnapshotResponse
    structure(32, &[fixed(1, 0, 2), fixed(1, 1, 2), fixed(1, 2, 2)]), // 297 DescribeClusterRequest
    structure(104, &[fixed(4, 0, 2), string(0, 2), fixed(4, 0, 2), string(0, 2), fixed(1, 2, 2)]), // 298 DescribeClusterResponse
    structure(128, &[fixed(6, 0, 2), string(0, 2), fixed(1, 1, 2), string(0, 2), fixed(4, 0, 2), structures(298, 0, 2), fixed(4, 0, 2)]), // 299 DescribeClusterResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 300 DescribeProducersRequest
    structure(48, &[structures(300, 0, 0)]), // 301 DescribeProducersRequest
    structure(64, &[fixed(36, 0, 0)]), // 302 DescribeProducersResponse
    structure(88, &[fixed(6, 0, 0), string(0, 0), structures(302, 0, 0)]), // 303 DescribeProducersResponse
    structure(80, &[string(0, 0), structures(303, 0, 0)]), // 304 DescribeProducersResponse
    structure(56, &[fixed(4, 0, 0), structures(304, 0, 0)]), // 305 DescribeProducersResponse
    structure(96, &[string(0, 4), string(0, 4), fixed(4, 0, 4)]), // 306 BrokerRegistrationRequest
    structure(64, &[string(0, 4), fixed(4, 0, 4)]), // 307 BrokerRegistrationRequest
    structure(192, &[fixed(4, 0, 4), string(0, 4), fixed(16, 0, 4), structures(306, 0, 4), structures(307, 0, 4), string(0, 4), fixed(1, 1, 4), fixeds(16, 2, 4), fixed(8, 3, 4)]), // 308 BrokerRegistrationRequest
    structure(40, &[fixed(14, 0, 4)]), // 309 BrokerRegistrationResponse
    structure(72, &[fixed(22, 0, 1), fixeds(16, 1, 1).tagged(0)]), // 310 BrokerHeartbeatRequest
    structure(40, &[fixed(9, 0, 1)]), // 311 BrokerHeartbeatResponse
    structure(32, &[fixed(4, 0, 0)]), // 312 UnregisterBrokerRequest
    structure(64, &[fixed(6, 0, 0), string(0, 0)]), // 313 UnregisterBrokerResponse
    structure(48, &[strings(0, 0)]), // 314 DescribeTransactionsRequest
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 315 DescribeTransactionsResponse
    structure(136, &[fixed(2, 0, 0), string(0, 0), string(0, 0), fixed(22, 0, 0), structures(315, 0, 0)]), // 316 DescribeTransactionsResponse
    structure(56, &[fixed(4, 0, 0), structures(316, 0, 0)]), // 317 DescribeTransactionsResponse
    structure(112, &[strings(0, 2), fixeds(8, 0, 2), fixed(8, 1, 2), string(2, 2)]), // 318 ListTransactionsRequest
    structure(96, &[string(0, 2), fixed(8, 0, 2), string(0, 2)]), // 319 ListTransactionsResponse
    structure(80, &[fixed(6, 0, 2), strings(0, 2), structures(319, 0, 2)]), // 320 ListTransactionsResponse
    structure(40, &[fixed(12, 0, 0)]), // 321 AllocateProducerIdsRequest
    structure(48, &[fixed(18, 0, 0)]), // 322 AllocateProducerIdsResponse
    structure(64, &[fixed(16, 0, 1), fixeds(4, 0, 1)]), // 323 ConsumerGroupHeartbeatRequest
    structure(272, &[string(0, 1), string(0, 1), fixed(4, 0, 1), string(0, 1), string(0, 1), fixed(4, 0, 1), strings(0, 1), string(1, 1), string(0, 1), structures(323, 0, 1)]), // 324 ConsumerGroupHeartbeatRequest
    structure(64, &[fixed(16, 0, 1), fixeds(4, 0, 1)]), // 325 ConsumerGroupHeartbeatResponse
    structure(48, &[structures(325, 0, 1)]), // 326 ConsumerGroupHeartbeatResponse
    structure(160, &[fixed(6, 0, 1), string(0, 1), string(0, 1), fixed(8, 0, 1), optional(326, 0, 1)]), // 327 ConsumerGroupHeartbeatResponse
    structure(56, &[strings(0, 1), fixed(1, 0, 1)]), // 328 ConsumerGroupDescribeRequest
    structure(96, &[fixed(16, 0, 1), string(0, 1), fixeds(4, 0, 1)]), // 329 ConsumerGroupDescribeResponse
    structure(48, &[structures(329, 0, 1)]), // 330 ConsumerGroupDescribeResponse
    structure(96, &[fixed(16, 0, 1), string(0, 1), fixeds(4, 0, 1)]), // 331 ConsumerGroupDescribeResponse
    structure(48, &[structures(331, 0, 1)]), // 332 ConsumerGroupDescribeResponse
    structure(344, &[string(0, 1), string(0, 1), string(0, 1), fixed(4, 0, 1), string(0, 1), string(0, 1), strings(0, 1), string(0, 1), nested(330, 0, 1), nested(332, 0, 1), fixed(1, 1, 1)]), // 333 ConsumerGroupDescribeResponse
    structure(192, &[fixed(2, 0, 1), string(0, 1), string(0, 1), string(0, 1), fixed(8, 0, 1), string(0, 1), structures(333, 0, 1), fixed(4, 0, 1)]), // 334 ConsumerGroupDescribeResponse
    structure(56, &[fixed(4, 0, 1), structures(334, 0, 1)]), // 335 ConsumerGroupDescribeResponse
    structure(96, &[string(0, 0), string(0, 0), fixed(4, 0, 0)]), // 336 ControllerRegistrationRequest
    structure(64, &[string(0, 0), fixed(4, 0, 0)]), // 337 ControllerRegistrationRequest
    structure(96, &[fixed(21, 0, 0), structures(336, 0, 0), structures(337, 0, 0)]), // 338 ControllerRegistrationRequest
    structure(64, &[fixed(6, 0, 0), string(0, 0)]), // 339 ControllerRegistrationResponse
    structure(40, &[fixed(16, 0, 0)]), // 340 GetTelemetrySubscriptionsRequest
    structure(112, &[fixed(26, 0, 0), fixeds(1, 0, 0), fixed(9, 0, 0), strings(0, 0)]), // 341 GetTelemetrySubscriptionsResponse
    structure(80, &[fixed(22, 0, 0), bytes(0, 0)]), // 342 PushTelemetryRequest
    structure(32, &[fixed(6, 0, 0)]), // 343 PushTelemetryResponse
    structure(32, &[fixed(4, 0, 0)]), // 344 AssignReplicasToDirsRequest
    structure(64, &[fixed(16, 0, 0), structures(344, 0, 0)]), // 345 AssignReplicasToDirsRequest
    structure(64, &[fixed(16, 0, 0), structures(345, 0, 0)]), // 346 AssignReplicasToDirsRequest
    structure(64, &[fixed(12, 0, 0), structures(346, 0, 0)]), // 347 AssignReplicasToDirsRequest
    structure(32, &[fixed(6, 0, 0)]), // 348 AssignReplicasToDirsResponse
    structure(64, &[fixed(16, 0, 0), structures(348, 0, 0)]), // 349 AssignReplicasToDirsResponse
    structure(64, &[fixed(16, 0, 0), structures(349, 0, 0)]), // 350 AssignReplicasToDirsResponse
    structure(56, &[fixed(6, 0, 0), structures(350, 0, 0)]), // 351 AssignReplicasToDirsResponse
    structure(48, &[fixeds(1, 1, 1)]), // 352 ListConfigResourcesRequest
    structure(64, &[string(0, 1), fixed(1, 1, 1)]), // 353 ListConfigResourcesResponse
    structure(56, &[fixed(6, 0, 1), structures(353, 0, 1)]), // 354 ListConfigResourcesResponse
    structure(56, &[string(0, 0)]), // 355 DescribeTopicPartitionsRequest
    structure(64, &[string(0, 0), fixed(4, 0, 0)]), // 356 DescribeTopicPartitionsRequest
    structure(128, &[structures(355, 0, 0), fixed(4, 0, 0), optional(356, 0, 0)]), // 357 DescribeTopicPartitionsRequest
    structure(160, &[fixed(14, 0, 0), fixeds(4, 0, 0), fixeds(4, 0, 0), fixeds(4, 0, 0), fixeds(4, 0, 0), fixeds(4, 0, 0)]), // 358 DescribeTopicPartitionsResponse
    structure(104, &[fixed(2, 0, 0), string(0, 0), fixed(17, 0, 0), structures(358, 0, 0), fixed(4, 0, 0)]), // 359 DescribeTopicPartitionsResponse
    structure(64, &[string(0, 0), fixed(4, 0, 0)]), // 360 DescribeTopicPartitionsResponse
    structure(128, &[fixed(4, 0, 0), structures(359, 0, 0), optional(360, 0, 0)]), // 361 DescribeTopicPartitionsResponse
    structure(152, &[string(1, 1), string(1, 1), fixed(4, 1, 1), string(1, 1), strings(1, 1)]), // 362 ShareGroupHeartbeatRequest
    structure(64, &[fixed(16, 1, 1), fixeds(4, 1, 1)]), // 363 ShareGroupHeartbeatResponse
    structure(48, &[structures(363, 1, 1)]), // 364 ShareGroupHeartbeatResponse
    structure(160, &[fixed(6, 1, 1), string(1, 1), string(1, 1), fixed(8, 1, 1), optional(364, 1, 1)]), // 365 ShareGroupHeartbeatResponse
    structure(56, &[strings(1, 1), fixed(1, 1, 1)]), // 366 ShareGroupDescribeRequest
    structure(96, &[fixed(16, 1, 1), string(1, 1), fixeds(4, 1, 1)]), // 367 ShareGroupDescribeResponse
    structure(48, &[structures(367, 1, 1)]), // 368 ShareGroupDescribeResponse
    structure(232, &[string(1, 1), string(1, 1), fixed(4, 1, 1), string(1, 1), string(1, 1), strings(1, 1), nested(368, 1, 1)]), // 369 ShareGroupDescribeResponse
    structure(192, &[fixed(2, 1, 1), string(1, 1), string(1, 1), string(1, 1), fixed(8, 1, 1), string(1, 1), structures(369, 1, 1), fixed(4, 1, 1)]), // 370 ShareGroupDescribeResponse
    structure(56, &[fixed(4, 1, 1), structures(370, 1, 1)]), // 371 ShareGroupDescribeResponse
    structure(64, &[fixed(16, 1, 1), fixeds(1, 1, 1)]), // 372 ShareFetchRequest
    structure(56, &[fixed(4, 1, 1), structures(372, 1, 1)]), // 373 ShareFetchRequest
    structure(64, &[fixed(16, 1, 1), structures(373, 1, 1)]), // 374 ShareFetchRequest
    structure(64, &[fixed(16, 1, 1), fixeds(4, 1, 1)]), // 375 ShareFetchRequest
    structure(160, &[string(1, 1), string(1, 1), fixed(24, 1, 1), structures(374, 1, 1), structures(375, 1, 1)]), // 376 ShareFetchRequest
    structure(32, &[fixed(8, 1, 1)]), // 377 ShareFetchResponse
    structure(48, &[fixed(18, 1, 1)]), // 378 ShareFetchResponse
    structure(184, &[fixed(6, 1, 1), string(1, 1), fixed(2, 1, 1), string(1, 1), nested(377, 1, 1), bytes(1, 1), structures(378, 1, 1)]), // 379 ShareFetchResponse
    structure(64, &[fixed(16, 1, 1), structures(379, 1, 1)]), // 380 ShareFetchResponse
    structure(96, &[fixed(4, 1, 1), string(1, 1), fixed(4, 1, 1), string(1, 1)]), // 381 ShareFetchResponse
    structure(120, &[fixed(6, 1, 1), string(1, 1), fixed(4, 1, 1), structures(380, 1, 1), structures(381, 1, 1)]), // 382 ShareFetchResponse
    structure(64, &[fixed(16, 1, 1), fixeds(1, 1, 1)]), // 383 ShareAcknowledgeRequest
    structure(56, &[fixed(4, 1, 1), structures(383, 1, 1)]), // 384 ShareAcknowledgeRequest
    structure(64, &[fixed(16, 1, 1), structures(384, 1, 1)]), // 385 ShareAcknowledgeRequest
    structure(120, &[string(1, 1), string(1, 1), fixed(4, 1, 1), structures(385, 1, 1)]), // 386 ShareAcknowledgeRequest
    structure(32, &[fixed(8, 1, 1)]), // 387 ShareAcknowledgeResponse
    structure(96, &[fixed(6, 1, 1), string(1, 1), nested(387, 1, 1)]), // 388 ShareAcknowledgeResponse
    structure(64, &[fixed(16, 1, 1), structures(388, 1, 1)]), // 389 ShareAcknowledgeResponse
    structure(96, &[fixed(4, 1, 1), string(1, 1), fixed(4, 1, 1), string(1, 1)]), // 390 ShareAcknowledgeResponse
    structure(112, &[fixed(6, 1, 1), string(1, 1), structures(389, 1, 1), structures(390, 1, 1)]), // 391 ShareAcknowledgeResponse
    structure(96, &[string(0, 0), string(0, 0), fixed(2, 0, 0)]), // 392 AddRaftVoterRequest
    structure(104, &[string(0, 0), fixed(24, 0, 0), structures(392, 0, 0)]), // 393 AddRaftVoterRequest
    structure(64, &[fixed(6, 0, 0), string(0, 0)]), // 394 AddRaftVoterResponse
    structure(80, &[string(0, 0), fixed(20, 0, 0)]), // 395 RemoveRaftVoterRequest
    structure(64, &[fixed(6, 0, 0), string(0, 0)]), // 396 RemoveRaftVoterResponse
    structure(96, &[string(0, 0), string(0, 0), fixed(2, 0, 0)]), // 397 UpdateRaftVoterRequest
    structure(32, &[fixed(4, 0, 0)]), // 398 UpdateRaftVoterRequest
    structure(136, &[string(0, 0), fixed(24, 0, 0), structures(397, 0, 0), nested(398, 0, 0)]), // 399 UpdateRaftVoterRequest
    structure(72, &[fixed(8, 0, 0), string(0, 0), fixed(4, 0, 0)]), // 400 UpdateRaftVoterResponse
    structure(104, &[fixed(6, 0, 0), nested(400, 0, 0).tagged(0)]), // 401 UpdateRaftVoterResponse
    structure(40, &[fixed(16, 0, 0)]), // 402 InitializeShareGroupStateRequest
    structure(64, &[fixed(16, 0, 0), structures(402, 0, 0)]), // 403 InitializeShareGroupStateRequest
    structure(80, &[string(0, 0), structures(403, 0, 0)]), // 404 InitializeShareGroupStateRequest
    structure(64, &[fixed(6, 0, 0), string(0, 0)]), // 405 InitializeShareGroupStateResponse
    structure(64, &[fixed(16, 0, 0), structures(405, 0, 0)]), // 406 InitializeShareGroupStateResponse
    structure(48, &[structures(406, 0, 0)]), // 407 InitializeShareGroupStateResponse
    structure(32, &[fixed(8, 0, 0)]), // 408 ReadShareGroupStateRequest
    structure(64, &[fixed(16, 0, 0), structures(408, 0, 0)]), // 409 ReadShareGroupStateRequest
    structure(80, &[string(0, 0), structures(409, 0, 0)]), // 410 ReadShareGroupStateRequest
    structure(48, &[fixed(19, 0, 0)]), // 411 ReadShareGroupStateResponse
    structure(104, &[fixed(6, 0, 0), string(0, 0), fixed(12, 0, 0), structures(411, 0, 0)]), // 412 ReadShareGroupStateResponse
    structure(64, &[fixed(16, 0, 0), structures(412, 0, 0)]), // 413 ReadShareGroupStateResponse
    structure(48, &[structures(413, 0, 0)]), // 414 ReadShareGroupStateResponse
    structure(48, &[fixed(19, 0, 0)]), // 415 WriteShareGroupStateRequest
    structure(72, &[fixed(20, 0, 0), structures(415, 0, 0)]), // 416 WriteShareGroupStateRequest
    structure(64, &[fixed(16, 0, 0), structures(416, 0, 0)]), // 417 WriteShareGroupStateRequest
    structure(80, &[string(0, 0), structures(417, 0, 0)]), // 418 WriteShareGroupStateRequest
    structure(64, &[fixed(6, 0, 0), string(0, 0)]), // 419 WriteShareGroupStateResponse
    structure(64, &[fixed(16, 0, 0), structures(419, 0, 0)]), // 420 WriteShareGroupStateResponse
    structure(48, &[structures(420, 0, 0)]), // 421 WriteShareGroupStateResponse
    structure(32, &[fixed(4, 0, 0)]), // 422 DeleteShareGroupStateRequest
    structure(64, &[fixed(16, 0, 0), structures(422, 0, 0)]), // 423 DeleteShareGroupStateRequest
    structure(80, &[string(0, 0), structures(423, 0, 0)]), // 424 DeleteShareGroupStateRequest
    structure(64, &[fixed(6, 0, 0), string(0, 0)]), // 425 DeleteShareGroupStateResponse
    structure(64, &[fixed(16, 0, 0), structures(425, 0, 0)]), // 426 DeleteShareGroupStateResponse
    structure(48, &[structures(426, 0, 0)]), // 427 DeleteShareGroupStateResponse
    structure(32, &[fixed(8, 0, 0)]), // 428 ReadShareGroupStateSummaryRequest
    structure(64, &[fixed(16, 0, 0), structures(428, 0, 0)]), // 429 ReadShareGroupStateSummaryRequest
    structure(80, &[string(0, 0), structures(429, 0, 0)]), // 430 ReadShareGroupStateSummaryRequest
    structure(80, &[fixed(6, 0, 0), string(0, 0), fixed(16, 0, 0)]), // 431 ReadShareGroupStateSummaryResponse
    structure(64, &[fixed(16, 0, 0), structures(431, 0, 0)]), // 432 ReadShareGroupStateSummaryResponse
    structure(48, &[structures(432, 0, 0)]), // 433 ReadShareGroupStateSummaryResponse
    structure(88, &[string(0, 0), string(0, 0)]), // 434 StreamsGroupHeartbeatRequest
    structure(88, &[string(0, 0), fixed(6, 0, 0), structures(434, 0, 0)]), // 435 StreamsGroupHeartbeatRequest
    structure(88, &[string(0, 0), string(0, 0)]), // 436 StreamsGroupHeartbeatRequest
    structure(88, &[string(0, 0), fixed(6, 0, 0), structures(436, 0, 0)]), // 437 StreamsGroupHeartbeatRequest
    structure(96, &[fixeds(2, 0, 0), fixeds(2, 0, 0), fixeds(2, 0, 0)]), // 438 StreamsGroupHeartbeatRequest
    structure(200, &[string(0, 0), strings(0, 0), strings(0, 0), structures(435, 0, 0), strings(0, 0), structures(437, 0, 0), structures(438, 0, 0)]), // 439 StreamsGroupHeartbeatRequest
    structure(56, &[fixed(4, 0, 0), structures(439, 0, 0)]), // 440 StreamsGroupHeartbeatRequest
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 441 StreamsGroupHeartbeatRequest
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 442 StreamsGroupHeartbeatRequest
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 443 StreamsGroupHeartbeatRequest
    structure(64, &[string(0, 0), fixed(2, 0, 0)]), // 444 StreamsGroupHeartbeatRequest
    structure(88, &[string(0, 0), string(0, 0)]), // 445 StreamsGroupHeartbeatRequest
    structure(72, &[string(0, 0), fixed(12, 0, 0)]), // 446 StreamsGroupHeartbeatRequest
    structure(72, &[string(0, 0), fixed(12, 0, 0)]), // 447 StreamsGroupHeartbeatRequest
    structure(480, &[string(0, 0), string(0, 0), fixed(8, 0, 0), string(0, 0), string(0, 0), fixed(4, 0, 0), optional(440, 0, 0), structures(441, 0, 0), structures(442, 0, 0), structures(443, 0, 0), string(0, 0), optional(444, 0, 0), structures(445, 0, 0), structures(446, 0, 0), structures(447, 0, 0), fixed(1, 0, 0)]), // 448 StreamsGroupHeartbeatRequest
    structure(64, &[fixed(1, 0, 0), string(0, 0)]), // 449 StreamsGroupHeartbeatResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 450 StreamsGroupHeartbeatResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 451 StreamsGroupHeartbeatResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 452 StreamsGroupHeartbeatResponse
    structure(64, &[string(0, 0), fixed(2, 0, 0)]), // 453 StreamsGroupHeartbeatResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 454 StreamsGroupHeartbeatResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 455 StreamsGroupHeartbeatResponse
    structure(136, &[nested(453, 0, 0), structures(454, 0, 0), structures(455, 0, 0)]), // 456 StreamsGroupHeartbeatResponse
    structure(240, &[fixed(6, 0, 0), string(0, 0), string(0, 0), fixed(16, 0, 0), structures(449, 0, 0), structures(450, 0, 0), structures(451, 0, 0), structures(452, 0, 0), fixed(4, 0, 0), structures(456, 0, 0)]), // 457 StreamsGroupHeartbeatResponse
    structure(56, &[strings(0, 0), fixed(1, 0, 0)]), // 458 StreamsGroupDescribeRequest
    structure(88, &[string(0, 0), string(0, 0)]), // 459 StreamsGroupDescribeResponse
    structure(88, &[string(0, 0), fixed(6, 0, 0), structures(459, 0, 0)]), // 460 StreamsGroupDescribeResponse
    structure(88, &[string(0, 0), string(0, 0)]), // 461 StreamsGroupDescribeResponse
    structure(88, &[string(0, 0), fixed(6, 0, 0), structures(461, 0, 0)]), // 462 StreamsGroupDescribeResponse
    structure(152, &[string(0, 0), strings(0, 0), strings(0, 0), structures(460, 0, 0), structures(462, 0, 0)]), // 463 StreamsGroupDescribeResponse
    structure(56, &[fixed(4, 0, 0), structures(463, 0, 0)]), // 464 StreamsGroupDescribeResponse
    structure(64, &[string(0, 0), fixed(2, 0, 0)]), // 465 StreamsGroupDescribeResponse
    structure(88, &[string(0, 0), string(0, 0)]), // 466 StreamsGroupDescribeResponse
    structure(72, &[string(0, 0), fixed(12, 0, 0)]), // 467 StreamsGroupDescribeResponse
    structure(72, &[string(0, 0), fixed(12, 0, 0)]), // 468 StreamsGroupDescribeResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 469 StreamsGroupDescribeResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 470 StreamsGroupDescribeResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 471 StreamsGroupDescribeResponse
    structure(96, &[structures(469, 0, 0), structures(470, 0, 0), structures(471, 0, 0)]), // 472 StreamsGroupDescribeResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 473 StreamsGroupDescribeResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 474 StreamsGroupDescribeResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 475 StreamsGroupDescribeResponse
    structure(96, &[structures(473, 0, 0), structures(474, 0, 0), structures(475, 0, 0)]), // 476 StreamsGroupDescribeResponse
    structure(568, &[string(0, 0), fixed(4, 0, 0), string(0, 0), string(0, 0), string(0, 0), string(0, 0), fixed(4, 0, 0), string(0, 0), optional(465, 0, 0), structures(466, 0, 0), structures(467, 0, 0), structures(468, 0, 0), nested(472, 0, 0), nested(476, 0, 0), fixed(1, 0, 0)]), // 477 StreamsGroupDescribeResponse
    structure(224, &[fixed(2, 0, 0), string(0, 0), string(0, 0), string(0, 0), fixed(8, 0, 0), optional(464, 0, 0), structures(477, 0, 0), fixed(4, 0, 0)]), // 478 StreamsGroupDescribeResponse
    structure(56, &[fixed(4, 0, 0), structures(478, 0, 0)]), // 479 StreamsGroupDescribeResponse
    structure(80, &[string(0, 0), fixeds(4, 0, 0)]), // 480 DescribeShareGroupOffsetsRequest
    structure(80, &[string(0, 0), structures(480, 0, 0)]), // 481 DescribeShareGroupOffsetsRequest
    structure(48, &[structures(481, 0, 0)]), // 482 DescribeShareGroupOffsetsRequest
    structure(80, &[fixed(18, 0, 0), string(0, 0)]), // 483 DescribeShareGroupOffsetsResponse
    structure(96, &[string(0, 0), fixed(16, 0, 0), structures(483, 0, 0)]), // 484 DescribeShareGroupOffsetsResponse
    structure(120, &[string(0, 0), structures(484, 0, 0), fixed(2, 0, 0), string(0, 0)]), // 485 DescribeShareGroupOffsetsResponse
    structure(56, &[fixed(4, 0, 0), structures(485, 0, 0)]), // 486 DescribeShareGroupOffsetsResponse
    structure(40, &[fixed(12, 0, 0)]), // 487 AlterShareGroupOffsetsRequest
    structure(80, &[string(0, 0), structures(487, 0, 0)]), // 488 AlterShareGroupOffsetsRequest
    structure(80, &[string(0, 0), structures(488, 0, 0)]), // 489 AlterShareGroupOffsetsRequest
    structure(64, &[fixed(6, 0, 0), string(0, 0)]), // 490 AlterShareGroupOffsetsResponse
    structure(96, &[string(0, 0), fixed(16, 0, 0), structures(490, 0, 0)]), // 491 AlterShareGroupOffsetsResponse
    structure(88, &[fixed(6, 0, 0), string(0, 0), structures(491, 0, 0)]), // 492 AlterShareGroupOffsetsResponse
    structure(56, &[string(0, 0)]), // 493 DeleteShareGroupOffsetsRequest
    structure(80, &[string(0, 0), structures(493, 0, 0)]), // 494 DeleteShareGroupOffsetsRequest
    structure(112, &[string(0, 0), fixed(18, 0, 0), string(0, 0)]), // 495 DeleteShareGroupOffsetsResponse
    structure(88, &[fixed(6, 0, 0), string(0, 0), structures(495, 0, 0)]), // 496 DeleteShareGroupOffsetsResponse
];
