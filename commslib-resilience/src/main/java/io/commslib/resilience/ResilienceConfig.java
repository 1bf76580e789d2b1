package io.commslib.resilience;

import io.commslib.core.call.CallTarget;
import io.commslib.core.checks.Checks;
import io.commslib.core.resilience.CallPolicy;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TreeMap;

/**
 * The policies of all remotes of a process, from code and from keys of the form {@code
 * calls.<service>.<setting>}; the service {@code default} stands for all remotes without a setting
 * of their own. Each setting has one key in one spelling. Immutable.
 *
 * <p>A key has precedence over code. A setting of a remote comes from its own key, else from the
 * key of {@code default}, else from code, else from {@link CallPolicy#defaults()}. A remote with a
 * policy in code takes that policy in place of both the keys and the code of {@code default}.
 */
public final class ResilienceConfig {

  /** The maximum number of keys. */
  public static final int MAX_KEYS = 10_000;

  private static final int MAX_TEXT_CHARS = 1 << 20;

  private final Map<String, EffectivePolicy> policies;

  private ResilienceConfig(Map<String, EffectivePolicy> policies) {
    this.policies = new TreeMap<>(policies);
  }

  /**
   * Reads a configuration.
   *
   * @param entries only keys of calls; every other key is refused
   * @return the configuration
   * @throws ResilienceConfigException {@code COMMS-CALL-030}, with all errors
   */
  public static ResilienceConfig fromMap(Map<String, String> entries) {
    return builder().entries(entries).build();
  }

  /**
   * Reads a configuration.
   *
   * @param properties only keys of calls; every other key is refused
   * @return the configuration
   * @throws ResilienceConfigException {@code COMMS-CALL-030}, with all errors
   */
  public static ResilienceConfig fromProperties(Properties properties) {
    return builder().properties(properties).build();
  }

  /** {@return a builder without policies and keys} */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return the policy of remotes without settings of their own} */
  public CallPolicy defaults() {
    return effective(ConfigKeys.DEFAULT).policy();
  }

  /**
   * Returns the policy of a remote.
   *
   * @param service the name of the remote service
   * @return its policy
   */
  public CallPolicy policy(String service) {
    return effective(service).policy();
  }

  EffectivePolicy effective(String service) {
    EffectivePolicy own = policies.get(service);
    return own != null ? own : Objects.requireNonNull(policies.get(ConfigKeys.DEFAULT), "default");
  }

  /**
   * Returns the policy of {@code default} and of each remote with settings of its own: one line for
   * each setting, in a fixed order, with its key, its value and its origin. The origin is a key,
   * {@code code}, or {@code default} for a value that equals the library's default.
   *
   * @return the lines
   */
  public String describe() {
    return describe(policies);
  }

  static String describe(Map<String, EffectivePolicy> all) {
    StringBuilder lines = new StringBuilder();
    EffectivePolicy defaults = all.get(ConfigKeys.DEFAULT);
    if (defaults != null) {
      lines.append(defaults.describe(ConfigKeys.DEFAULT));
    }
    all.forEach(
        (name, policy) ->
            lines.append(name.equals(ConfigKeys.DEFAULT) ? "" : policy.describe(name)));
    return lines.toString();
  }

  /** Returns a copy of all policies by name, {@code default} included. */
  Map<String, EffectivePolicy> policies() {
    return new TreeMap<>(policies);
  }

  @Override
  public String toString() {
    return "ResilienceConfig" + policies.keySet();
  }

  /** Builds a configuration. Mutable; confined to one thread. */
  public static final class Builder {
    private final List<Map.Entry<String, String>> entries = new ArrayList<>();
    private final Map<String, CallPolicy> policies = new TreeMap<>();
    private CallPolicy defaults = CallPolicy.defaults();

    private Builder() {}

    /**
     * Sets the policy of remotes that have none of their own. Keys have precedence.
     *
     * @param policy default {@link CallPolicy#defaults()}
     * @return this builder
     */
    public Builder defaults(CallPolicy policy) {
      this.defaults = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Sets the policy of a remote. Its own keys have precedence, those of {@code default} do not
     * apply to it.
     *
     * @param service the name of the remote service
     * @param policy its policy; default that of {@link #defaults}
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule, is {@code default}, or has a
     *     policy already
     */
    public Builder policy(String service, CallPolicy policy) {
      Checks.printable("service", service, CallTarget.MAX_NAME_CHARS);
      Checks.check(
          !service.equals(ConfigKeys.DEFAULT), "service", service, "a remote; see defaults(...)");
      Checks.check(!policies.containsKey(service), "service", service, "one policy");
      policies.put(service, Objects.requireNonNull(policy, "policy"));
      return this;
    }

    /**
     * Adds keys and their values. May be called several times; a key that is added twice is an
     * error.
     *
     * @param keys only keys of calls; every other key is refused
     * @return this builder
     */
    public Builder entries(Map<String, String> keys) {
      keys.forEach(this::add);
      return this;
    }

    /**
     * Adds properties and their defaults, as {@link #entries}.
     *
     * @param properties only keys of calls; every other key is refused
     * @return this builder
     */
    public Builder properties(Properties properties) {
      for (String key : properties.stringPropertyNames()) {
        add(key, properties.getProperty(key));
      }
      // The names above leave out whatever is no text.
      properties.forEach(
          (key, value) -> {
            if (!(key instanceof String) || !(value instanceof String)) {
              add(String.valueOf(key), "not a text: " + value.getClass().getSimpleName());
            }
          });
      return this;
    }

    /**
     * Adds the entries of a properties file, as {@link #entries}. A key that is twice in the file
     * is an error; {@code Properties.load} would keep the last one silently.
     *
     * @param text the content of the file, at most 1,048,576 characters; is not closed
     * @return this builder
     * @throws IOException if it can't be read
     * @throws IllegalArgumentException if it is longer or has a malformed Unicode escape
     */
    public Builder file(Reader text) throws IOException {
      new FileEntries().load(new StringReader(content(text)));
      return this;
    }

    private static String content(Reader text) throws IOException {
      char[] buffer = new char[MAX_TEXT_CHARS + 1];
      int length = 0;
      int read = text.read(buffer, 0, buffer.length);
      while (read > 0) {
        length += read;
        read = text.read(buffer, length, buffer.length - length);
      }
      Checks.inRange("file length", length, 0, MAX_TEXT_CHARS);
      return new String(buffer, 0, length);
    }

    private void add(String key, String value) {
      Objects.requireNonNull(key, "key");
      Objects.requireNonNull(value, key);
      // One more than the maximum suffices to refuse them.
      if (entries.size() <= MAX_KEYS) {
        entries.add(Map.entry(key, value));
      }
    }

    /**
     * Builds the configuration.
     *
     * @return the configuration
     * @throws ResilienceConfigException {@code COMMS-CALL-030}, with all errors
     */
    public ResilienceConfig build() {
      ConfigErrors errors = new ConfigErrors();
      if (entries.size() > MAX_KEYS) {
        errors.wrong("calls.*", "more than " + MAX_KEYS, "at most " + MAX_KEYS + " keys");
        errors.refuse();
      }
      ConfigReader reader = new ConfigReader(errors, defaults, policies);
      entries.stream()
          .sorted(Map.Entry.comparingByKey())
          .forEach(entry -> reader.add(entry.getKey(), entry.getValue()));
      Map<String, EffectivePolicy> effective = reader.policies();
      errors.refuse();
      return new ResilienceConfig(effective);
    }

    /** Passes on each entry, also a second one of the same key. */
    private final class FileEntries extends Properties {
      private static final long serialVersionUID = 1L;

      @Override
      public synchronized Object put(Object key, Object value) {
        add((String) key, (String) value);
        return super.put(key, value);
      }
    }
  }
}
