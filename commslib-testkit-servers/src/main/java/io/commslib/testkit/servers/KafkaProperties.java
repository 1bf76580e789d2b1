package io.commslib.testkit.servers;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The configuration of a broker: combined with a controller, small, and quick to restart. */
final class KafkaProperties {

  /**
   * Not a property of Kafka: more listeners for clients, as {@link #door} writes each, with commas
   * between.
   */
  static final String DOORS = "commslib.doors";

  private KafkaProperties() {}

  /** Returns the lines of {@code server.properties}; the caller's properties win over ours. */
  static List<String> of(
      KafkaNode node, List<KafkaNode> cluster, Path data, Map<String, String> callers) {
    Map<String, String> all = new LinkedHashMap<>();
    addCopies(all, cluster.size());
    addTimes(all, cluster.size());
    // A topic that a test forgot to create must fail the test.
    all.put("auto.create.topics.enable", "false");
    all.put("log.cleaner.dedupe.buffer.size", "2097152");
    all.putAll(callers);
    String doors = all.remove(DOORS);
    addIdentity(all, node, cluster, data);
    if (doors != null) {
      addDoors(all, doors.split(","));
    }
    return all.entrySet().stream().map(entry -> entry.getKey() + "=" + entry.getValue()).toList();
  }

  /** One entry of {@link #DOORS}; the protocol is one of Kafka's security protocols. */
  static String door(String name, String protocol, int port, int advertisedPort) {
    return name + ":" + protocol + ":" + port + ":" + advertisedPort;
  }

  private static void addDoors(Map<String, String> all, String[] doors) {
    StringBuilder protocols = new StringBuilder("PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    for (String door : doors) {
      String[] parts = door.split(":");
      String address = "," + parts[0] + "://127.0.0.1:";
      all.merge("listeners", address + parts[2], String::concat);
      all.merge("advertised.listeners", address + parts[3], String::concat);
      protocols.append(',').append(parts[0]).append(':').append(parts[1]);
    }
    all.put("listener.security.protocol.map", protocols.toString());
    all.put("inter.broker.listener.name", "PLAINTEXT");
  }

  private static void addIdentity(
      Map<String, String> all, KafkaNode node, List<KafkaNode> cluster, Path data) {
    all.put("process.roles", "broker,controller");
    all.put("node.id", Integer.toString(node.id()));
    all.put(
        "controller.quorum.voters",
        cluster.stream().map(KafkaNode::voter).collect(Collectors.joining(",")));
    all.put(
        "listeners",
        "PLAINTEXT://" + node.address() + ",CONTROLLER://127.0.0.1:" + node.controllerPort());
    all.put("advertised.listeners", "PLAINTEXT://" + node.address());
    all.put("controller.listener.names", "CONTROLLER");
    all.put("log.dirs", data.toString());
  }

  private static void addCopies(Map<String, String> all, int nodes) {
    String copies = Integer.toString(Math.min(3, nodes));
    String inSync = nodes >= 3 ? "2" : "1";
    all.put("default.replication.factor", copies);
    all.put("min.insync.replicas", inSync);
    for (String topic :
        List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
      all.put(topic + ".num.partitions", "1");
      all.put(topic + ".replication.factor", copies);
    }
    all.put("transaction.state.log.min.isr", inSync);
    all.put("share.coordinator.state.topic.min.isr", inSync);
  }

  /** Short sessions: with the defaults a killed broker needs 12 s to rejoin. */
  private static void addTimes(Map<String, String> all, int nodes) {
    all.put("group.initial.rebalance.delay.ms", "0");
    // A single node has no other to take over, and a short stall of a busy machine would fence it.
    all.put("broker.session.timeout.ms", nodes > 1 ? "1000" : "2500");
    all.put("broker.heartbeat.interval.ms", "100");
    all.put("controller.quorum.election.timeout.ms", "500");
    all.put("controller.quorum.fetch.timeout.ms", "1000");
    all.put("group.share.min.heartbeat.interval.ms", "100");
    all.put("group.share.heartbeat.interval.ms", "500");
  }
}
