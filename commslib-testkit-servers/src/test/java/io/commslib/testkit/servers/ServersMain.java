package io.commslib.testkit.servers;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/**
 * A program that uses servers, for tests of its end. Prints their processes, its folder and their
 * addresses, and ends when its input does.
 */
final class ServersMain {

  private ServersMain() {}

  public static void main(String[] arguments) throws Exception {
    Arrays.stream(arguments).parallel().forEach(ServersMain::start);
    List<Long> pids = Processes.ofThisJvm();
    System.out.println(String.join(" ", pids.stream().map(pid -> Long.toString(pid)).toList()));
    System.out.println(OrphanCleaner.instance().folder());
    System.out.flush();
    while (System.in.read() >= 0) {}
  }

  private static void start(String kind) {
    switch (kind) {
      case "postgres" -> PostgresServer.start();
      case "rabbit" -> RabbitServer.start();
      case "kafka" -> KafkaServer.start();
      case "missing-rabbit" -> printFailure(RabbitServer::start);
      case "missing-rabbit-shared" -> {
        printFailure(RabbitServer::shared);
        printFailure(RabbitServer::shared);
      }
      case "missing-xz" -> printFailure(PostgresBinaries::unpacked);
      case "shared" -> printShared();
      default -> throw new IllegalArgumentException(kind);
    }
  }

  private static void printFailure(Supplier<?> server) {
    try {
      System.out.println("started " + server.get());
    } catch (ServerUnavailableException e) {
      System.out.println(e.getMessage());
    }
  }

  private static void printShared() {
    PostgresServer postgres = PostgresServer.shared();
    for (String line :
        List.of(
            postgres.jdbcUrl(),
            postgres.user(),
            postgres.password(),
            postgres.jdbcUrl("orders"),
            RabbitServer.shared().uri(),
            KafkaServer.shared().bootstrapServers())) {
      System.out.println(line);
    }
  }
}
