package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.faults.CrashPoints;
import io.commslib.testkit.servers.PostgresServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a process with unfinished sagas several times, at a commit and right after one. Its
 * successors must end every saga in a way that agrees with the participants' effects.
 */
class SagaKillIT {

  private static final int TRIPS = 60;
  private static final int KILLS = 4;

  /** Not H2: a process killed while it writes may leave rows that no other process can change. */
  private static final PostgresServer SERVER = PostgresServer.shared();

  @TempDir Path folder;

  @Test
  void endsEverySagaAfterKillsAtCommits() throws Exception {
    long seed = Long.getLong("commslib.seed", System.nanoTime());
    SplittableRandom random = new SplittableRandom(seed);
    String url = SERVER.createDatabase("trips_" + ProcessHandle.current().pid());
    int unfinished = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      String point = kill % 2 == 0 ? "jdbc.before-commit" : "jdbc.committed";
      int count = random.nextInt(80, 240);
      assertThat(run(url, point + "@" + count))
          .as("seed %d, kill %d at %s@%d", seed, kill, point, count)
          .isEqualTo(CrashPoints.EXIT_STATUS);
      unfinished += count(url, "SELECT count(*) FROM \"saga\" WHERE wake_at IS NOT NULL");
    }
    assertThat(unfinished).as("seed %d: unfinished sagas at the kills", seed).isGreaterThan(KILLS);
    assertThat(run(url, "")).as("seed %d: the last process", seed).isZero();
    assertAllEnded(url, seed);
  }

  private static void assertAllEnded(String url, long seed) throws SQLException {
    Map<String, String> statuses =
        pairs(url, "SELECT business_key, status FROM \"saga\" ORDER BY business_key");
    assertThat(statuses).as("seed %d", seed).hasSize(TRIPS);
    assertThat(statuses.values())
        .as("seed %d", seed)
        // On a slow machine all trips may time out, so one of the two statuses may be missing.
        .isSubsetOf(SagaStatus.COMPLETED.name(), SagaStatus.COMPENSATED.name());
    Map<String, String> effects =
        pairs(
            url,
            "SELECT s.business_key, count(CASE WHEN e.effect = 'DONE' THEN 1 END)"
                + " FROM \"saga\" s LEFT JOIN \"effect\" e ON e.saga = s.id GROUP BY s.business_key");
    Map<String, String> ends = pairs(url, "SELECT trip, status FROM \"trip_end\" ORDER BY n");
    statuses.forEach(
        (trip, status) -> {
          boolean completed = status.equals(SagaStatus.COMPLETED.name());
          assertThat(effects.get(trip))
              .as("seed %d: effects of trip %s, %s", seed, trip, status)
              .isEqualTo(completed ? "3" : "0");
          assertThat(ends.get(trip)).as("seed %d: hook of trip %s", seed, trip).isEqualTo(status);
        });
  }

  private int run(String url, String crash) throws IOException, InterruptedException {
    Path output = Files.createTempFile(folder, "trips", ".log");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            System.getProperty("java.class.path"),
            TripService.class.getName(),
            url,
            SERVER.user(),
            SERVER.password(),
            Integer.toString(TRIPS));
    if (!crash.isEmpty()) {
      builder.command().add(1, "-D" + CrashPoints.PROPERTY + "=" + crash);
    }
    Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("ends within 120 s").isTrue();
    } finally {
      process.destroyForcibly();
    }
    int exit = process.exitValue();
    if (exit != 0 && exit != CrashPoints.EXIT_STATUS) {
      throw new AssertionError("exit " + exit + ": " + Files.readString(output));
    }
    return exit;
  }

  private static int count(String url, String sql) throws SQLException {
    try (Connection connection =
            DriverManager.getConnection(url, SERVER.user(), SERVER.password());
        Statement select = connection.createStatement();
        ResultSet row = select.executeQuery(sql)) {
      row.next();
      return row.getInt(1);
    }
  }

  private static Map<String, String> pairs(String url, String sql) throws SQLException {
    Map<String, String> pairs = new TreeMap<>();
    try (Connection connection =
            DriverManager.getConnection(url, SERVER.user(), SERVER.password());
        Statement select = connection.createStatement();
        ResultSet row = select.executeQuery(sql)) {
      while (row.next()) {
        pairs.put(row.getString(1), row.getString(2));
      }
    }
    return pairs;
  }
}
