package io.commslib.testkit.servers;

/** Identity and ports of one broker. */
record KafkaNode(int id, int port, int controllerPort) {

  static KafkaNode create(int id) {
    return new KafkaNode(id, FreePorts.next(), FreePorts.next());
  }

  String address() {
    return "127.0.0.1:" + port;
  }

  String voter() {
    return id + "@127.0.0.1:" + controllerPort;
  }
}
