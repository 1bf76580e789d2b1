/**
 * Launchers for real servers: Kafka, RabbitMQ, PostgreSQL and MariaDB, for tests, examples and
 * benchmarks.
 *
 * <p>Start with {@link io.commslib.testkit.servers.KafkaServer}, {@link
 * io.commslib.testkit.servers.RabbitServer}, {@link io.commslib.testkit.servers.PostgresServer} and
 * {@link io.commslib.testkit.servers.MariaDbServer}; {@link
 * io.commslib.testkit.servers.KafkaCluster} is three brokers, {@link
 * io.commslib.testkit.servers.PgBouncerServer} a pooler in front of PostgreSQL. All of them can be
 * killed, restarted and paused: {@link io.commslib.testkit.servers.TestServer}. {@link
 * io.commslib.testkit.servers.SecureKafkaServer} and {@link
 * io.commslib.testkit.servers.SecureRabbitServer} have TLS, users and rights, with certificates of
 * {@link io.commslib.testkit.servers.TestCertificates}.
 *
 * <p>{@code start()} starts a server of the caller's own, which may be killed. {@code shared()} is
 * one server of a kind for the whole JVM, for functional tests that use topics, queues and
 * databases with names of their own; an environment variable can name a running one instead:
 *
 * <table>
 *   <caption>Where a server comes from, first match wins</caption>
 *   <tr><th>Server</th><th>{@code shared()} only</th><th>then</th><th>then</th></tr>
 *   <tr><td>Kafka</td><td>{@code COMMSLIB_TEST_KAFKA}: host:port list</td>
 *     <td>the broker's jars, put by this module's build into {@code target/kafka-broker/lib}</td>
 *     <td>{@code KAFKA_HOME}: folder of an unpacked Kafka of the same version</td></tr>
 *   <tr><td>RabbitMQ</td><td>{@code COMMSLIB_TEST_RABBIT_URI}: AMQP URI</td>
 *     <td>{@code RABBITMQ_HOME}: folder of an unpacked RabbitMQ</td>
 *     <td>the Debian package {@code rabbitmq-server}</td></tr>
 *   <tr><td>PostgreSQL</td><td>{@code COMMSLIB_TEST_PG_URL}: JDBC URL, with {@code
 *     COMMSLIB_TEST_PG_USER} and {@code COMMSLIB_TEST_PG_PASSWORD}</td>
 *     <td>the Debian package {@code postgresql}, or {@code initdb} on the path</td>
 *     <td>the binaries on the class path, an artifact that this module depends on</td></tr>
 *   <tr><td>MariaDB</td><td>{@code COMMSLIB_TEST_MARIADB_URL}: JDBC URL, with {@code
 *     COMMSLIB_TEST_MARIADB_USER} and {@code COMMSLIB_TEST_MARIADB_PASSWORD}</td>
 *     <td>the Debian package {@code mariadb-server}, or {@code mariadbd} on the path</td>
 *     <td></td></tr>
 *   <tr><td>PgBouncer</td><td>none: it has no {@code shared()}</td>
 *     <td>the Debian package {@code pgbouncer}, or {@code pgbouncer} on the path</td>
 *     <td></td></tr>
 * </table>
 *
 * <p>Where none is found, a container is started (none for PgBouncer) if the {@code docker} command
 * reaches an engine; else the start fails with {@link
 * io.commslib.testkit.servers.ServerUnavailableException}, which names what to install. Tests are
 * never skipped.
 *
 * <p>Servers listen on 127.0.0.1 only, on free ports below the range that the system gives to
 * outgoing connections, and keep their data in a temporary folder. Nothing outlives the JVM: a
 * shutdown hook ends the processes, and a shell process does so if the JVM was killed. Linux only.
 */
@NullMarked
package io.commslib.testkit.servers;

import org.jspecify.annotations.NullMarked;
