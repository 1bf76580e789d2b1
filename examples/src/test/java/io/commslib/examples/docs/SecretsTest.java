package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.DatabaseId;
import io.commslib.http.HttpService;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.rabbit.RabbitTransport;
import io.commslib.rabbit.RabbitTransportConfig;
import io.commslib.resilience.EndpointPool;
import io.commslib.resilience.Resilience;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;

/** No text of the library shows a password, a header's value or a body. */
class SecretsTest {

  private static final String SECRET = "hunter2";

  /** Types that can have a secret. */
  private static final Set<Class<?>> HOLDERS =
      Set.of(
          Map.class,
          Properties.class,
          URI.class,
          DataSource.class,
          SSLContext.class,
          byte[].class,
          Object.class);

  /** Classes with a map that never has a secret. */
  private static final Set<String> NO_SECRET =
      Set.of(
          // Causes of dead letters, which are shown on purpose.
          "CauseGroup",
          // Destinations, shards, names, and figures that health shows on purpose.
          "Health",
          "OutboxHealth",
          "ShardOwnership",
          // Names and weights of subsets.
          "TrafficSplit",
          // Name and end of a certificate; TlsIdentityTest has the key.
          "TlsIdentity",
          // Functions of a definition, and the states of steps by their names.
          "Step",
          "Undo",
          "StoredSaga",
          // They show the text of another class of this list, or only names.
          "Execution",
          "Guard",
          "ProtectedHttpClient",
          "GuardedOperation",
          "Comms",
          "KafkaSubscription",
          "SagaSnapshot");

  private static final class SecretiveDataSource implements DataSource {
    @Override
    public Connection getConnection() throws SQLException {
      throw new SQLException("refused", "28000");
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
      return getConnection();
    }

    @Override
    public PrintWriter getLogWriter() {
      return new PrintWriter(new StringWriter());
    }

    @Override
    public void setLogWriter(PrintWriter out) {}

    @Override
    public void setLoginTimeout(int seconds) {}

    @Override
    public int getLoginTimeout() {
      return 0;
    }

    @Override
    public java.util.logging.Logger getParentLogger() {
      return java.util.logging.Logger.getGlobal();
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
      throw new SQLException("no wrapper");
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
      return false;
    }

    @Override
    public String toString() {
      return "DataSource{password=" + SECRET + "}";
    }
  }

  /** Instances of classes that can't be built from the types of their parameters. */
  private static Map<String, Object> instances() {
    JdbcDataSource h2 = new JdbcDataSource();
    h2.setURL("jdbc:h2:mem:secrets;DB_CLOSE_DELAY=-1");
    h2.setUser("sa");
    h2.setPassword(SECRET);
    Message message =
        Message.builder("t")
            .header("authorization", SECRET)
            .key("k")
            .body(SECRET.getBytes(StandardCharsets.UTF_8))
            .build();
    HttpService http =
        HttpService.builder("orders", URI.create("http://127.0.0.1:1"))
            .credentials(renew -> SECRET)
            .header("X-Api-Key", SECRET)
            .build(Resilience.create(SystemRuntime.platformThreads()));
    return Map.of(
        "KafkaTransportConfig",
        KafkaTransportConfig.builder("127.0.0.1:1")
            .clientSetting("sasl.jaas.config", "x password=\"" + SECRET + "\";")
            .clientSetting("ssl.key.password", SECRET)
            .build(),
        "RabbitTransportConfig",
        RabbitTransportConfig.builder("amqp://svc:" + SECRET + "@127.0.0.1:1").build(),
        "JdbcDatabase",
        JdbcDatabase.builder(h2).build(),
        "DatabaseId",
        DatabaseId.of(new SecretiveDataSource(), "orders"),
        "Message",
        message,
        "EndpointPool",
        EndpointPool.builder("orders", SystemRuntime.platformThreads())
            .endpoints(List.of(SECRET))
            .build(),
        "HttpService",
        http,
        "ServiceCall",
        http.get("/x").header("X-Api-Key", SECRET));
  }

  private static List<Class<?>> classesWithText() {
    List<Class<?>> found = new ArrayList<>();
    for (JavaClass type :
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.commslib")) {
      String name = type.getName();
      if (name.contains(".testkit") || name.contains(".examples") || name.contains(".benchmarks")) {
        continue;
      }
      if (type.isRecord() || type.tryGetMethod("toString").isPresent() && !type.isInterface()) {
        found.add(type.reflect());
      }
    }
    return found;
  }

  private static boolean canHold(Class<?> type, Set<Class<?>> seen) {
    if (HOLDERS.contains(type)) {
      return true;
    }
    if (NO_SECRET.contains(type.getSimpleName())) {
      return false;
    }
    if (!type.getName().startsWith("io.commslib") || type.isEnum() || !seen.add(type)) {
      return false;
    }
    for (Field field : type.getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers()) && canHold(field.getType(), seen)) {
        return true;
      }
    }
    return false;
  }

  static Stream<Arguments> holders() {
    return classesWithText().stream()
        .filter(type -> canHold(type, new HashSet<>()))
        .filter(type -> !NO_SECRET.contains(type.getSimpleName()))
        .sorted((a, b) -> a.getName().compareTo(b.getName()))
        .map(type -> Arguments.of(type.getSimpleName(), type));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("holders")
  void theTextOfAnObjectShowsNoSecret(String name, Class<?> type) throws Exception {
    Object instance = instances().get(name);
    if (instance == null) {
      instance = build(type, new HashSet<>());
    }
    assertThat(instance).as("an instance of %s: add one to instances()", type).isNotNull();
    assertThat(instance.toString()).doesNotContain(SECRET).isNotEmpty();
  }

  @Test
  void theListOfExemptClassesNamesOnlyExistingOnes() {
    Set<String> names = new TreeSet<>();
    classesWithText().forEach(type -> names.add(type.getSimpleName()));
    assertThat(names).containsAll(NO_SECRET).containsAll(instances().keySet());
  }

  /**
   * Builds an object with a secret in every place that can have one; null if that is impossible.
   */
  private static Object build(Class<?> type, Set<Class<?>> above) throws Exception {
    Object simple = simple(type);
    if (simple != null) {
      return simple;
    }
    Object known = instances().get(type.getSimpleName());
    if (known != null && type.isInstance(known)) {
      return known;
    }
    if (type.isEnum()) {
      return type.getEnumConstants()[0];
    }
    if (!type.getName().startsWith("io.commslib") || !above.add(type) || type.isInterface()) {
      return null;
    }
    if (type.isRecord()) {
      Class<?>[] parts =
          Arrays.stream(type.getRecordComponents())
              .map(RecordComponent::getType)
              .toArray(Class[]::new);
      return construct(type.getDeclaredConstructor(parts), above);
    }
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      try {
        return construct(constructor, above);
      } catch (ReflectiveOperationException e) {
        continue;
      }
    }
    return null;
  }

  private static Object construct(Constructor<?> constructor, Set<Class<?>> above)
      throws Exception {
    constructor.setAccessible(true);
    Class<?>[] types = constructor.getParameterTypes();
    Object[] values = new Object[types.length];
    for (int i = 0; i < types.length; i++) {
      values[i] = build(types[i], new HashSet<>(above));
    }
    return constructor.newInstance(values);
  }

  private static Object simple(Class<?> type) throws Exception {
    if (type == Map.class) {
      return Map.of("password", SECRET);
    }
    if (type == byte[].class) {
      return SECRET.getBytes(StandardCharsets.UTF_8);
    }
    if (type == Object.class) {
      return SECRET;
    }
    if (type == DataSource.class) {
      return new SecretiveDataSource();
    }
    if (type == URI.class) {
      return new URI("amqp://svc:" + SECRET + "@host");
    }
    if (type == String.class) {
      return "name";
    }
    if (type == Optional.class) {
      return Optional.empty();
    }
    if (type == List.class) {
      return List.of();
    }
    if (type == Set.class) {
      return Set.of();
    }
    if (type == Duration.class) {
      return Duration.ofSeconds(1);
    }
    if (type == Instant.class) {
      return Instant.EPOCH;
    }
    if (type == Destination.class) {
      return Destination.queue("orders");
    }
    if (type == int.class || type == Integer.class) {
      return 1;
    }
    if (type == long.class || type == Long.class) {
      return 1L;
    }
    if (type == boolean.class || type == Boolean.class) {
      return true;
    }
    return null;
  }

  /** A step that fails, and its arguments. */
  private record Failing(String name, Step step) {
    @Override
    public String toString() {
      return name;
    }
  }

  private interface Step {
    void run() throws Exception;
  }

  static Stream<Failing> failing() {
    return Stream.of(
        new Failing(
            "Kafka, a JAAS text that can't be read",
            () ->
                kafka(
                    "security.protocol", "SASL_PLAINTEXT",
                    "sasl.mechanism", "PLAIN",
                    "sasl.jaas.config", SECRET + " " + SECRET + " password=" + SECRET)),
        new Failing(
            "Kafka, a JAAS text without its end",
            () ->
                kafka(
                    "security.protocol", "SASL_PLAINTEXT",
                    "sasl.mechanism", "PLAIN",
                    "sasl.jaas.config", "a.Module required password=\"" + SECRET + "\"")),
        new Failing(
            "Kafka, a login module that is missing",
            () ->
                kafka(
                    "security.protocol", "SASL_PLAINTEXT",
                    "sasl.mechanism", "PLAIN",
                    "sasl.jaas.config", "a.Module required password=\"" + SECRET + "\";")),
        new Failing(
            "Kafka, a key store that is missing",
            () ->
                kafka(
                    "security.protocol",
                    "SSL",
                    "ssl.keystore.location",
                    "missing.jks",
                    "ssl.keystore.password",
                    SECRET,
                    "ssl.key.password",
                    SECRET)),
        new Failing(
            "Kafka, a key that can't be read",
            () ->
                kafka(
                    "security.protocol",
                    "SSL",
                    "ssl.keystore.type",
                    "PEM",
                    "ssl.keystore.key",
                    SECRET,
                    "ssl.keystore.certificate.chain",
                    SECRET)),
        new Failing(
            "RabbitMQ, a port that is closed",
            () -> rabbit("amqp://svc:" + SECRET + "@127.0.0.1:1")),
        new Failing(
            "RabbitMQ, a host that is missing",
            () -> rabbit("amqp://svc:" + SECRET + "@host.invalid")),
        new Failing("RabbitMQ, a wrong URI", () -> rabbit("amqp://svc:" + SECRET + "@a b")),
        new Failing(
            "a database that refuses",
            () -> JdbcDatabase.builder(new SecretiveDataSource()).build()),
        new Failing(
            "PostgreSQL, a port that is closed",
            () -> {
              PGSimpleDataSource source = new PGSimpleDataSource();
              source.setURL("jdbc:postgresql://127.0.0.1:1/x?user=svc&password=" + SECRET);
              JdbcDatabase.builder(source).build();
            }),
        new Failing(
            "H2, a wrong password",
            () -> {
              JdbcDataSource right = new JdbcDataSource();
              right.setURL("jdbc:h2:mem:guarded");
              right.setUser("sa");
              right.setPassword("right");
              try (Connection open = right.getConnection()) {
                JdbcDataSource wrong = new JdbcDataSource();
                wrong.setURL("jdbc:h2:mem:guarded");
                wrong.setUser("sa");
                wrong.setPassword(SECRET);
                assertThat(open.isValid(1)).isTrue();
                JdbcDatabase.builder(wrong).build();
              }
            }));
  }

  private static void kafka(String... settings) {
    KafkaTransportConfig.Builder config =
        KafkaTransportConfig.builder("127.0.0.1:1").operationTimeout(Duration.ofSeconds(1));
    for (int i = 0; i < settings.length; i += 2) {
      config.clientSetting(settings[i], settings[i + 1]);
    }
    KafkaTransport.create(config.build()).close();
  }

  private static void rabbit(String uri) {
    RabbitTransportConfig config =
        RabbitTransportConfig.builder(uri).operationTimeout(Duration.ofSeconds(1)).build();
    try (RabbitTransport transport = RabbitTransport.create(config)) {
      transport.declare(DestinationConfig.builder(Destination.queue("orders")).build());
    }
  }

  @ParameterizedTest
  @MethodSource("failing")
  void noExceptionAndNoLogLineShowsASecret(Failing failing) {
    java.io.PrintStream before = System.err;
    java.io.ByteArrayOutputStream log = new java.io.ByteArrayOutputStream();
    Throwable failure;
    System.setErr(new java.io.PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      failure = catchThrowable(() -> failing.step().run());
    } finally {
      System.setErr(before);
    }
    assertThat(failure).as("it fails").isNotNull();
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text));
    assertThat(text.toString()).doesNotContain(SECRET);
    assertThat(log.toString(StandardCharsets.UTF_8)).doesNotContain(SECRET);
  }
}
