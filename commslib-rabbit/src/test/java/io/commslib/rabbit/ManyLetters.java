package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.redrive.CauseGroup;
import io.commslib.core.redrive.Redrive;
import io.commslib.core.time.SystemRuntime;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Lists dead letters of 1 MB by cause and redrives one of them, in a small heap. Arguments: the URI
 * of a broker, or {@code -} to start one, and the number of dead letters. Full size:
 *
 * <pre>{@code
 * java -Xmx128m -cp ... io.commslib.rabbit.ManyLetters - 1000
 * }</pre>
 */
final class ManyLetters {

  private static final int CAUSES = 3;

  private ManyLetters() {}

  public static void main(String[] args) throws Exception {
    int letters = Integer.parseInt(args[1]);
    if (args[0].equals("-")) {
      try (RabbitServer server = RabbitServer.start()) {
        run(server.uri(), letters);
      }
    } else {
      run(args[0], letters);
    }
    // Threads of a server must not keep this process alive.
    System.exit(0);
  }

  private static void run(String uri, int letters) throws Exception {
    Destination queue = Destination.queue("many-letters");
    try (SystemRuntime runtime = SystemRuntime.create();
        RabbitTransport transport =
            RabbitTransport.create(
                RabbitTransportConfig.builder(uri).observer(CommsObserver.none()).build());
        RawClient foreign = RawClient.connect(uri)) {
      transport.declare(DestinationConfig.builder(queue).build());
      fill(foreign, RabbitNames.deadLetters(RabbitNames.queue(queue, "main")), letters);
      Redrive redrive = Redrive.builder(transport.deadLetters(), runtime).build();
      List<CauseGroup> groups = redrive.groups(queue, "main");
      check("causes", groups.size(), Math.min(CAUSES, letters));
      String selected = "m" + letters / 2;
      int sent =
          transport
              .deadLetters()
              .redrive(queue, "main", letter -> letter.messageId().equals(selected));
      check("redriven", sent, 1);
      Await.until("redriven", Duration.ofMinutes(1), () -> foreign.count(queue.name()) == 1);
      long most = Runtime.getRuntime().maxMemory() >> 20;
      System.out.println("listed " + letters + " and redrove one in " + most + " MiB");
    }
  }

  private static void fill(RawClient foreign, String queue, int letters) throws Exception {
    byte[] body = new byte[1_000_000];
    for (int i = 0; i < letters; i++) {
      Map<String, Object> headers = new HashMap<>(RawClient.event("m" + i, "k" + i));
      headers.put("commslib-dlq-reason", "REASON_" + i % CAUSES);
      headers.put("commslib-dlq-fingerprint", "cause" + i % CAUSES);
      foreign.publish(
          "",
          queue,
          new AMQP.BasicProperties.Builder().headers(headers).deliveryMode(2).build(),
          body);
    }
  }

  private static void check(String what, long found, long expected) {
    if (found != expected) {
      throw new IllegalStateException(what + ": " + found + " (expected: " + expected + ")");
    }
  }
}
